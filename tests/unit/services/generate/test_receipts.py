from collections.abc import Sequence
from typing import Any

import pytest
from headwater_generate.adapters.answers import RecentReceipts, answered
from headwater_kit.bus.ports import Record
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, Principal
from headwater_kit.core.errors import NotFound
from headwater_kit.core.events import AnswerGenerated, Citation
from headwater_kit.core.tenants import Erasures, TenantErased

ANN = Principal("acme", "ann")


def record(answer_id: str, tenant: str = "acme", user: str = "ann", cited: Sequence[Sequence[str]] = ()) -> Record:
    """An answer that cites documents of these readers."""
    passages = [
        Passage(Chunk("c", 0, "text", (), 0, 4, 1, "h"), f"d{n}", 1, DocumentInfo(readers=tuple(readers)))
        for n, readers in enumerate(cited)
    ]
    citations = tuple(Citation(n, passage, "text", 0, 4) for n, passage in enumerate(passages, 1))
    outbound = answered(AnswerGenerated(answer_id, tenant, user, "q", "a", citations, None, "extractive", 1.0))
    return Record("answers.v1", 0, 0, outbound.key, outbound.value, {}, 1.0)


def is_found(by: Principal, **answer: Any) -> bool:
    receipts = RecentReceipts(2)
    receipts.apply(record("one", **answer))
    try:
        return receipts.find(by, "one").answer_id == "one"
    except NotFound:
        return False


def test_the_latest_receipts_are_kept_and_one_given_again_counts_as_late() -> None:
    receipts = RecentReceipts(2)
    for answer_id in ("one", "two", "one", "three"):
        receipts.apply(record(answer_id))
    assert receipts.find(ANN, "one").answer_id == "one"
    with pytest.raises(NotFound):
        receipts.find(ANN, "two")


def test_another_tenants_receipt_is_not_found() -> None:
    receipts = RecentReceipts(2)
    receipts.apply(record("one", tenant="globex"))
    with pytest.raises(NotFound):
        receipts.find(ANN, "one")


def test_a_strangers_record_ends_nothing() -> None:
    receipts = RecentReceipts(2)
    receipts.apply(Record("answers.v1", 0, 0, b"\xff\xfe", b"?", {}, 1.0))
    with pytest.raises(NotFound):
        receipts.find(ANN, "one")


def test_who_asked_finds_the_receipt_whatever_it_cites() -> None:
    assert is_found(ANN, cited=[["group:board"]])
    assert not is_found(Principal("globex", "ann"), cited=[["group:board"]])


def test_others_find_it_who_may_read_all_that_it_cites() -> None:
    cited = [[], ["group:board", "user:cem"], ["group:staff"]]
    for groups, expected in ((("board", "staff"), True), (("board",), False), (("staff",), False), ((), False)):
        assert is_found(Principal("acme", "ben", groups), cited=cited) == expected
    assert is_found(Principal("acme", "cem", ("staff",)), cited=cited)
    assert is_found(Principal("acme", "ben"), cited=[[]])


def test_the_anonymous_are_not_taken_for_each_other() -> None:
    nobody = Principal("acme")
    assert not is_found(nobody, user=nobody.user, cited=[["group:board"]])
    assert is_found(nobody, user=nobody.user, cited=[[]])


def test_receipts_of_an_erased_tenant_are_not_found_and_those_of_afterwards_are() -> None:
    erasures = Erasures()
    receipts = RecentReceipts(10, erasures)
    erasures.told.append(receipts.on_erased)
    receipts.apply(record("before"))
    receipts.apply(record("other", tenant="globex"))
    erasures.apply(TenantErased("acme", 1.5))
    # Read from the topic once more, as when the process starts.
    receipts.apply(record("again"))
    for answer_id in ("before", "again"):
        with pytest.raises(NotFound):
            receipts.find(ANN, answer_id)
    assert receipts.find(Principal("globex", "ann"), "other").tenant == "globex"
    erasures.apply(TenantErased("acme", 0.5))
    assert receipts.find(ANN, "again").answer_id == "again"
    with pytest.raises(NotFound):
        receipts.find(ANN, "before")
