import pytest
from headwater_cli.main import global_first


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["up", "--debug"], ["--debug", "up"]),
        (["up", "--data-dir", "x", "-d"], ["--data-dir", "x", "up", "-d"]),
        (["up", "--data-dir=x"], ["--data-dir=x", "up"]),
        (["ask", "--", "--debug"], ["ask", "--", "--debug"]),
        (["up", "--data-dir"], ["--data-dir", "up"]),
        ([], []),
    ],
)
def test_global_options_may_stand_anywhere(given: list[str], expected: list[str]) -> None:
    assert global_first(given) == expected
