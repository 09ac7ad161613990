"""What a run tells of its faults."""

from chaos.faults import Fault
from chaos.report import Report


def test_faults_that_were_asked_for_and_never_came_up_are_named() -> None:
    report = Report(1, 20.0, ("cut", "kill-service", "stall"))
    report.struck(Fault("kill-service", "index", 103.0, 104.0), 100.0, 49.44)
    report.struck(Fault("stall", "kafka", 110.0, 112.0), 100.0, None)
    assert report.not_struck == ["cut"]
    assert report.as_json()["not_struck"] == ["cut"]
    assert "progress after 49.4 s" in report.lines[0]
    assert "no progress yet" in report.lines[1]
