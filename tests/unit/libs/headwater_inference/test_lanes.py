from dataclasses import dataclass

from headwater_inference.lanes import SHARES, LaneQueue
from headwater_inference.ports import Lane
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class Item:
    lane: Lane
    number: int
    tokens: int


def queue_of(**tokens: list[int]) -> LaneQueue[Item]:
    queue: LaneQueue[Item] = LaneQueue()
    for name, sizes in tokens.items():
        lane = Lane[name.upper()]
        queue.push(lane, [Item(lane, i, size) for i, size in enumerate(sizes)])
    return queue


def drain(queue: LaneQueue[Item]) -> list[Item]:
    taken: list[Item] = []
    while jobs := queue.pop(1, 1):
        taken += jobs
    return taken


def test_urgent_lanes_go_first_while_little_waits() -> None:
    order = [item.lane for item in drain(queue_of(backfill=[50], live=[50], query=[5, 5, 5]))]
    assert order == [Lane.QUERY] * 3 + [Lane.LIVE, Lane.BACKFILL]


def test_a_waiting_lane_gets_its_share_of_a_flood() -> None:
    queue = queue_of(query=[10] * 1_000, live=[100], backfill=[100])
    order = [item.lane for item in drain(queue)]
    assert order.index(Lane.LIVE) == 40  # 400 tokens of queries earn it a quarter of that
    assert order.index(Lane.BACKFILL) <= 161  # 1,600 tokens ahead of it, live included


def test_an_emptied_lane_keeps_no_credit() -> None:
    queue = queue_of(query=[10] * 100, live=[100])
    drain(queue)
    queue.push(Lane.LIVE, [Item(Lane.LIVE, 0, 10)])
    queue.push(Lane.QUERY, [Item(Lane.QUERY, 0, 10)])
    assert drain(queue)[0].lane is Lane.QUERY


def test_a_batch_keeps_to_its_budget_but_never_stays_empty() -> None:
    queue = queue_of(live=[400, 300, 300, 10, 900])
    assert [[item.tokens for item in queue.pop(800, 8)] for _ in range(5)] == [[400, 300], [300], [10], [900], []]


def test_jobs_of_other_lengths_are_passed_over_but_not_for_ever() -> None:
    queue = queue_of(live=[100, 10, 90, 11, 80, 9, 100])
    batches = [[item.tokens for item in queue.pop(1_000, 3)] for _ in range(4)]
    assert batches == [[100, 90, 80], [10, 11, 9], [100], []]


def test_some_lanes_can_be_asked_alone() -> None:
    queue = queue_of(backfill=[7], live=[5], query=[])
    assert queue.pop(100, 8, (Lane.QUERY,)) == ()
    assert [item.tokens for item in queue.pop(100, 8, (Lane.QUERY, Lane.LIVE))] == [5]
    assert [item.tokens for item in queue.pop(100, 8, (Lane.BACKFILL,))] == [7]


def test_discarded_jobs_give_back_their_tokens() -> None:
    queue = queue_of(live=[3, 4, 5])
    queue.discard(lambda item: item.tokens == 4)
    assert queue.tokens(Lane.LIVE) == 8
    assert [item.tokens for item in drain(queue)] == [3, 5]


JOBS = st.lists(st.tuples(st.sampled_from(Lane), st.integers(1, 512)), max_size=60)


@given(JOBS, st.integers(1, 2_048), st.integers(1, 8))
def test_every_job_comes_once_the_oldest_of_its_lane_first_and_within_limits(
    jobs: list[tuple[Lane, int]], max_tokens: int, max_jobs: int
) -> None:
    queue: LaneQueue[Item] = LaneQueue()
    items = [Item(lane, i, tokens) for i, (lane, tokens) in enumerate(jobs)]
    for item in items:
        queue.push(item.lane, [item])
    taken: list[Item] = []
    while batch := queue.pop(max_tokens, max_jobs):
        assert len({item.lane for item in batch}) == 1
        assert len(batch) <= max_jobs
        assert len(batch) == 1 or max(item.tokens for item in batch) * len(batch) <= max_tokens
        assert batch[0] == next(item for item in items if item.lane is batch[0].lane and item not in taken)
        taken += batch
        left = [item for item in items if item not in taken]
        assert all(queue.tokens(lane) == sum(i.tokens for i in left if i.lane is lane) for lane in Lane)
    for lane in Lane:
        order = [i for i in taken if i.lane is lane]
        assert sorted(order, key=items.index) == [i for i in items if i.lane is lane]
        assert max_jobs > 1 or order == [i for i in items if i.lane is lane]


@given(st.lists(st.integers(1, 512), min_size=1, max_size=30), st.integers(1, 512), st.integers(1, 512))
def test_nobody_waits_longer_than_their_share_allows(queries: list[int], live: int, backfill: int) -> None:
    queue = queue_of(query=queries * 200, live=[live], backfill=[backfill])
    ahead, order = 0, drain(queue)
    first = {item.lane: item for item in reversed(order)}
    for item in order:
        if item is first[Lane.LIVE]:
            # A backfill's text that is shorter may go first.
            assert ahead <= live / SHARES[Lane.LIVE] + backfill + 512
        if item is first[Lane.BACKFILL]:
            assert ahead <= backfill / SHARES[Lane.BACKFILL] + live + 2 * 512
        ahead += item.tokens
