import pytest
from headwater_generate.adapters.answers import RecentReceipts, answered
from headwater_kit.bus.ports import Record
from headwater_kit.core.errors import NotFound
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.tenants import Erasures, TenantErased


def record(answer_id: str, tenant: str = "acme") -> Record:
    outbound = answered(AnswerGenerated(answer_id, tenant, "ann", "q", "a", (), None, "extractive", 1.0))
    return Record("answers.v1", 0, 0, outbound.key, outbound.value, {}, 1.0)


def test_the_latest_receipts_are_kept_and_one_given_again_counts_as_late() -> None:
    receipts = RecentReceipts(2)
    for answer_id in ("one", "two", "one", "three"):
        receipts.apply(record(answer_id))
    assert receipts.find("acme", "one").answer_id == "one"
    with pytest.raises(NotFound):
        receipts.find("acme", "two")


def test_another_tenants_receipt_is_not_found() -> None:
    receipts = RecentReceipts(2)
    receipts.apply(record("one", tenant="globex"))
    with pytest.raises(NotFound):
        receipts.find("acme", "one")


def test_a_strangers_record_ends_nothing() -> None:
    receipts = RecentReceipts(2)
    receipts.apply(Record("answers.v1", 0, 0, b"\xff\xfe", b"?", {}, 1.0))
    with pytest.raises(NotFound):
        receipts.find("acme", "one")


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
            receipts.find("acme", answer_id)
    assert receipts.find("globex", "other").tenant == "globex"
    erasures.apply(TenantErased("acme", 0.5))
    assert receipts.find("acme", "again").answer_id == "again"
    with pytest.raises(NotFound):
        receipts.find("acme", "before")
