import math

import pytest
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.errors import DeadlineExceeded
from headwater_kit.testing.clock import ManualClock


async def test_a_deadline_passes_with_its_clock() -> None:
    clock = ManualClock()
    deadline = Deadline.after(clock, 2.0)
    assert deadline.remaining() == 2.0
    deadline.check()
    await clock.advance(5.0)
    assert deadline.remaining() == 0.0
    with pytest.raises(DeadlineExceeded):
        deadline.check()


@pytest.mark.parametrize(("own", "left", "expected"), [(1.0, 5.0, 1.0), (9.0, 5.0, 4.9), (9.0, 0.05, 0.0)])
def test_a_budget_keeps_a_margin_to_answer_in(own: float, left: float, expected: float) -> None:
    deadline = Deadline.after(ManualClock(), left)
    assert deadline.budget(own, margin_seconds=0.1) == pytest.approx(expected)


def test_no_limit_leaves_the_calls_own() -> None:
    deadline = Deadline.after(ManualClock(), math.inf)
    assert deadline.budget(3.0) == 3.0
    deadline.check()
