"""States of events in their order, though they are learned in any."""

from headwater_ingest.domain.watching import Progress, State, StateReached
from headwater_kit.core.documents import Position
from headwater_kit.core.events import Outcome
from hypothesis import given
from hypothesis import strategies as st

WAY = [State.ACCEPTED, State.CHUNKED, State.EMBEDDED, State.SEARCHABLE]


def reached(state: State, offset: int = 0, outcome: Outcome = Outcome.UPSERTED) -> StateReached:
    return StateReached(state, Position(0, offset), offset + 1, outcome)


@given(st.lists(st.tuples(st.sampled_from(WAY), st.integers(0, 3)), max_size=20))
def test_each_event_goes_its_way_once_and_in_order(learned: list[tuple[State, int]]) -> None:
    progress = Progress()
    told = [each for state, offset in learned for each in progress.news(reached(state, offset))]
    for offset in range(4):
        of_event = [each.state for each in told if each.position.offset == offset]
        furthest = max((WAY.index(state) + 1 for state, at in learned if at == offset), default=0)
        assert of_event == WAY[:furthest]


def test_a_watch_begins_where_the_event_is() -> None:
    progress = Progress()
    progress.begin(reached(State.CHUNKED))
    assert progress.news(reached(State.ACCEPTED)) == ()
    assert [each.state for each in progress.news(reached(State.SEARCHABLE))] == [State.EMBEDDED, State.SEARCHABLE]


def test_a_deletion_has_no_chunks_and_what_is_dropped_was_never_accepted() -> None:
    progress = Progress()
    deleted = progress.news(reached(State.DELETED, 0, Outcome.DELETED))
    assert [each.state for each in deleted] == [State.ACCEPTED, State.DELETED]
    for offset, (state, outcome) in enumerate(((State.STALE, Outcome.STALE), (State.REJECTED, Outcome.REJECTED)), 1):
        assert [each.state for each in progress.news(reached(state, offset, outcome))] == [state]


def test_only_so_many_events_are_kept_in_mind() -> None:
    progress = Progress()
    for offset in range(1000):
        progress.news(reached(State.ACCEPTED, offset))
    assert progress.news(reached(State.ACCEPTED, 999)) == ()
