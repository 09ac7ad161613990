"""The checker checked: what it takes for right and for wrong, without any engine."""

import random
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import pytest
from chaos.corpus import Story, stories
from chaos.expecting import Input, expected
from chaos.following import Follower, Said
from chaos.judging import judged
from chaos.mutations import MUTATIONS, planted
from chaos.stored import Held
from chaos.verifying import _disordered
from chaos.workload import POISONS, TOO_LARGE, Workload
from headwater.events.v1.events_pb2 import OUTCOME_DELETED, OUTCOME_UPSERTED

KEY = "t\x1fdoc"
TEXT = "Heron\n=====\n\nFirst words here.\n\nSecond words there."


def row(ordinal: int, text: str, version: int = 2) -> Mapping[str, Any]:
    start = TEXT.find(text)
    return {
        "version": version, "ordinal": ordinal, "text": text, "start_character": start,
        "end_character": start + len(text),
    }  # fmt: skip


FIRST, SECOND = row(0, "First words here."), row(1, "Second words there.")
LEDGER = {"version": 2, "deleted": False, "chunk_count": 2}
GONE = {"version": 2, "deleted": True, "chunk_count": 0}


@pytest.mark.parametrize(
    ("chunks", "ledger", "wanted", "kind"),
    [
        ([FIRST, SECOND], [LEDGER], TEXT, ""),
        ([], [GONE], None, ""),
        ([], [], None, ""),
        ([], [], TEXT, "lost"),
        ([], [GONE], TEXT, "lost"),
        ([FIRST], [LEDGER], TEXT, "lost"),
        ([FIRST, SECOND, SECOND], [LEDGER], TEXT, "duplicates"),
        ([FIRST, SECOND], [LEDGER], None, "ghosts"),
        ([FIRST], [GONE], None, "ghosts"),
        ([FIRST], [], None, "ghosts"),
        ([FIRST, SECOND, row(0, "First words here.", 1)], [LEDGER], TEXT, "mixed"),
        ([FIRST, SECOND], [{**LEDGER, "version": 1}, LEDGER], TEXT, "mixed"),
        ([FIRST, SECOND], [LEDGER], TEXT.replace("First", "Third"), "mixed"),
        ([FIRST, SECOND], [LEDGER], f"{TEXT}\n\nMore words.", "mixed"),
        ([FIRST, {**SECOND, "text": "Second words."}], [LEDGER], TEXT, "mixed"),
    ],
)
def test_each_fault_of_a_document_is_told_by_its_kind(
    chunks: Sequence[Any], ledger: Sequence[Any], wanted: str | None, kind: str
) -> None:
    faults = Held({KEY: chunks}, {KEY: ledger}).faults({KEY: frozenset({wanted})})
    assert {name for name, found in faults.items() if found} == ({kind} if kind else set())


def test_a_document_that_nobody_wrote_is_a_ghost() -> None:
    assert Held({KEY: [FIRST, SECOND]}, {KEY: [LEDGER]}).faults({})["ghosts"]


def write(number: int, text: str | None, version: int | None = None, partition: int = 0, ms: int = 0) -> Input:
    headers = {} if version is None else {"headwater-version": b"%d" % version}
    meaning = judged(KEY.encode(), None if text is None else text.encode(), {"content-type": b"text/plain", **headers})
    return Input(f"t/{number}", "documents.v1", partition, number, ms, KEY, meaning)


@pytest.mark.parametrize(
    ("writes", "wanted"),
    [
        ([write(1, "one"), write(2, "two")], {"two"}),
        ([write(1, "one", 7), write(2, "two", 5)], {"one"}),
        ([write(1, "one", 5), write(2, None, 7), write(3, "three", 6)], {None}),
        ([write(1, "one", 5), write(2, None, 6), write(3, "three", 7)], {"three"}),
        ([write(1, "one", ms=5), write(9, "two", partition=1, ms=4)], {"one"}),
        ([write(1, "one", ms=5), write(9, None, partition=1, ms=5)], {"one", None}),
        ([write(1, "one"), write(2, " ")], {"one"}),
    ],
)
def test_versions_decide_and_else_the_order_of_the_log(writes: Sequence[Input], wanted: set[str | None]) -> None:
    for seed in range(5):
        shuffled = random.Random(seed).sample(list(writes), len(writes))
        assert expected(shuffled).texts == {KEY: frozenset(wanted)}


def test_every_kind_of_poison_has_a_reason_of_its_own() -> None:
    reasons = {kind: judged(None if kind == "no key" else b"key", *_parts(kind)).reason for kind in POISONS}
    assert all(reasons.values())
    assert judged(b"key", TOO_LARGE, {}).reason == "TOO_LARGE"


def _parts(kind: str) -> tuple[bytes, Mapping[str, bytes]]:
    value, headers = POISONS[kind]
    return value, dict(headers)


def heard(offset: int, *, is_live: bool = True) -> Said:
    return Said(0, offset, KEY, OUTCOME_UPSERTED, 1, 1, 1, is_live, produced_at=0.0)


@pytest.mark.parametrize(
    ("offsets", "is_right"), [([4, 5, 6], True), ([4, 5, 4, 5, 6], True), ([4, 6, 5], False), ([5], False)]
)
def test_an_event_announced_before_an_earlier_one_is_told(offsets: Sequence[int], is_right: bool) -> None:
    assert (_disordered([heard(offset) for offset in offsets], {0: 4}) == []) is is_right


def test_the_backfill_lane_may_come_in_any_order() -> None:
    assert _disordered([heard(9, is_live=False), heard(4)], {0: 4}) == []


class NoRecords:
    def ends(self, topic: str) -> Mapping[int, int]:
        return {}


@pytest.mark.parametrize(
    ("version", "outcome", "asked_at", "may_be_gone"),
    [
        (2, OUTCOME_DELETED, 10.0, True),
        (2, OUTCOME_DELETED, 12.0, False),
        (1, OUTCOME_DELETED, 10.0, False),
        (2, OUTCOME_UPSERTED, 10.0, False),
    ],
)
def test_only_a_deletion_asked_for_before_excuses_a_document_that_is_not_found(
    version: int, outcome: int, asked_at: float, may_be_gone: bool
) -> None:
    follower = Follower(NoRecords())  # type: ignore[arg-type]
    follower._note(Said(0, 7, KEY, outcome, version, version, 1, is_live=True, produced_at=asked_at))
    assert follower.may_be_gone(KEY, 1, 11.0) is may_be_gone


def test_a_seed_gives_the_same_writes_of_every_kind() -> None:
    documents = [Story(f"doc-{number}", ("Some words.\n\nMore words.",)) for number in range(40)]
    one, other = (
        list(islice(Workload("t", documents, random.Random(7), backfill=True, poison=0.05), 500)) for _ in range(2)
    )
    assert one == other
    assert {write.topic for write in one} == {"documents.v1", "documents.backfill.v1"}
    assert {write.value is None for write in one} == {write.foreign for write in one} == {True, False}
    bodies = [(write.key, write.value, write.headers[:-1]) for write in one if write.value]
    assert len(set(bodies)) < len(bodies)


def test_no_two_revisions_have_one_text() -> None:
    for story in stories(None)[:20]:
        texts = [story.text(revision) for revision in range(5)]
        assert len(set(texts)) == 5


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_bug_goes_in_and_comes_out_again(name: str) -> None:
    patches = MUTATIONS[name].patches()
    before = [vars(owner)[attribute] for owner, attribute, _ in patches]
    with planted(name):
        assert all(vars(owner)[attribute] not in before for owner, attribute, _ in patches)
    assert [vars(owner)[attribute] for owner, attribute, _ in patches] == before
