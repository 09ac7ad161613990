import pytest
from headwater_generate.bootstrap import _limits
from headwater_generate.settings import Settings


@pytest.mark.parametrize("answer_seconds", [1.0, 30.0, 300.0, 900.0])
def test_a_question_runs_out_of_its_own_time_before_it_is_taken_to_hang(answer_seconds: float) -> None:
    limit_seconds = _limits(Settings(generate_answer_seconds=answer_seconds)).attempt_seconds
    assert limit_seconds is not None
    assert limit_seconds > answer_seconds
