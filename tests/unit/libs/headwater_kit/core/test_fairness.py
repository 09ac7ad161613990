"""Tenants take turns, whatever each of them has waiting."""

from collections import Counter, deque

import pytest
from headwater_kit.core.fairness import FairQueue
from hypothesis import given
from hypothesis import strategies as st

TENANTS = st.sampled_from("abcd")
# A push of a tenant; None takes the next one out.
STEPS = st.lists(st.one_of(TENANTS, st.none()), max_size=80)


def drained(queue: FairQueue[str]) -> list[str]:
    return [queue.pop() for _ in range(len(queue))]


def test_a_crowd_and_a_single_one_alternate() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(4):
        queue.push("crowd", f"crowd {number}")
    queue.push("alone", "alone 0")
    assert queue.first() == "crowd 0"
    assert drained(queue) == ["crowd 0", "alone 0", "crowd 1", "crowd 2", "crowd 3"]


def test_nothing_waits_where_nothing_was_pushed() -> None:
    queue: FairQueue[str] = FairQueue()
    assert not queue
    with pytest.raises(LookupError):
        queue.first()
    with pytest.raises(LookupError):
        queue.pop()
    assert not queue.remove("a", "never there")


def test_who_leaves_before_the_turn_leaves_no_gap() -> None:
    queue: FairQueue[str] = FairQueue()
    for tenant in ("a", "a", "b"):
        queue.push(tenant, f"{tenant}{len(queue)}")
    assert queue.remove("a", "a0")
    assert not queue.remove("a", "a0")
    assert drained(queue) == ["a1", "b2"]
    assert (len(queue), bool(queue)) == (0, False)


@given(STEPS)
def test_between_two_turns_of_a_tenant_that_waits_nobody_else_has_two(steps: list[str | None]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    own: dict[str, deque[tuple[str, int]]] = {}
    since: dict[str, Counter[str]] = {}
    for number, tenant in enumerate(steps):
        if tenant is not None:
            own.setdefault(tenant, deque()).append((tenant, number))
            since.setdefault(tenant, Counter())
            queue.push(tenant, (tenant, number))
        elif queue:
            expected = queue.first()
            taken = queue.pop()
            assert taken == expected == own[taken[0]].popleft()
            assert max(since[taken[0]].values(), default=0) <= 1
            since[taken[0]] = Counter()
            for waiting in (name for name, items in own.items() if items and name != taken[0]):
                since[waiting][taken[0]] += 1
            if not own[taken[0]]:
                del own[taken[0]], since[taken[0]]
    assert len(queue) == sum(map(len, own.values()))


@given(st.lists(TENANTS, max_size=30), TENANTS)
def test_how_many_go_before_is_never_said_too_low(waiting: list[str], newcomer: str) -> None:
    queue: FairQueue[str] = FairQueue()
    for tenant in waiting:
        queue.push(tenant, tenant)
    said = queue.ahead(newcomer)
    queue.push(newcomer, "newcomer")
    before = drained(queue).index("newcomer")
    assert before <= said <= len(waiting)
    assert said - before <= len(set(waiting))
