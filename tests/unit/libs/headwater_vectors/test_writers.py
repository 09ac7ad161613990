"""Who switches are told apart by, where one process serves a collection, another one, and the first again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from headwater_kit.core.documents import DocumentKey
from headwater_kit.testing.clock import ManualClock
from headwater_vectors.milvus import Address, MilvusStore
from headwater_vectors.milvus.schema import Layout, ledger_name
from headwater_vectors.milvus.tracing import Requests
from headwater_vectors.ports import NOTICE_SECONDS, LedgerRow
from headwater_vectors.testing.samples import MODEL


class Changing:
    """A catalogue whose alias names what it is told to."""

    served = ""

    async def named_by(self, _: str) -> str | None:
        return self.served

    async def layout_of(self, _: str) -> Layout:
        return Layout(MODEL)


class Client:
    """Keeps what is written, by collection; nothing is ever read back."""

    def __init__(self) -> None:
        self.written: dict[str, list[dict[str, Any]]] = {}

    async def upsert(self, name: str, records: Sequence[dict[str, Any]], **_: Any) -> None:
        self.written.setdefault(name, []).extend(records)

    async def query(self, *_: Any, **__: Any) -> Sequence[Any]:
        return []


class Connected:
    """A connection that is always there."""

    def __init__(self) -> None:
        self.client = Client()
        self.requests = Requests("http://127.0.0.1:19530")

    async def data(self, call: Callable[[Client], Awaitable[Any]], _: float) -> Any:
        return await call(self.client)

    async def admin(self, *_: Any) -> None:
        """Loads the collections."""


async def test_switches_are_never_counted_anew_under_one_name() -> None:
    clock, catalogue, connection = ManualClock(), Changing(), Connected()
    store = MilvusStore(Address("http://127.0.0.1:1"), clock=clock)
    store._catalogue, store._connection = catalogue, connection  # type: ignore[assignment]
    for version, served in enumerate(("old", "new", "old", "old"), start=1):
        catalogue.served = served
        await clock.advance(NOTICE_SECONDS)
        await store.switch(LedgerRow(DocumentKey("acme", "a"), version, deleted=False, chunk_count=1))
    switches = [(row["writer"], row["switch_number"]) for row in connection.client.written[ledger_name("old")]]
    assert len(set(switches)) == 3
    assert switches[2] == (switches[1][0], switches[1][1] + 1)
