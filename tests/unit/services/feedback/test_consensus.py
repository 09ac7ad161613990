"""Which passages are looked at again."""

from headwater_feedback.domain.consensus import Rounds
from headwater_feedback.domain.opinions import PassageName

PLACE = ("cluster", PassageName("rfc-1", "1"))


def test_a_passage_that_waits_still_has_one_turn() -> None:
    rounds = Rounds()
    rounds.add(PLACE)
    rounds.add(PLACE)
    assert list(rounds.next(lambda _: 1)) == [PLACE]


def test_a_passage_that_was_let_go_is_looked_at_again_once_it_is_voted_on_anew() -> None:
    rounds = Rounds()
    rounds.add(PLACE)
    assert not list(rounds.next(lambda _: 0))
    rounds.add(PLACE)
    assert list(rounds.next(lambda _: 1)) == [PLACE]
