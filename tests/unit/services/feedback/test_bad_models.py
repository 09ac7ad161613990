from pathlib import Path

import pytest
from unit.services.feedback.bad_models import cases, good, served


def test_twenty_of_twenty_are_refused_or_rolled_back(tmp_path: Path) -> None:
    found = {name: offer() for name, offer in cases(tmp_path).items()}
    assert len(found) == 20
    assert [name for name, reason in found.items() if not reason] == []


def test_the_good_one_is_taken(tmp_path: Path) -> None:
    cases(tmp_path)
    assert served(good(), tmp_path) == ""


@pytest.mark.parametrize("name", ["gate: trained on another tenant", "served: forged hash under a good signature"])
def test_the_reason_is_the_right_one(name: str, tmp_path: Path) -> None:
    reason = cases(tmp_path)[name]()
    assert "trained_to" in reason or reason == "BAD_SIGNATURE"
