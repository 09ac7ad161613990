"""One tenant's calls leave room for another's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from headwater.documents.v1 import documents_pb2
from headwater.embed.v1 import embed_pb2
from headwater.feedback.v1 import feedback_pb2
from headwater.generate.v1 import generate_pb2
from headwater.guard.v1 import guard_pb2
from headwater.index.v1 import index_pb2
from headwater.ingest.v1 import ingest_pb2
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater.retrieve.v1 import retrieve_pb2
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Overloaded
from headwater_kit.core.quotas import Quotas
from headwater_kit.rpc import context as call_context
from headwater_kit.rpc.interception import Call
from headwater_kit.rpc.metadata import principal_to_metadata
from headwater_kit.rpc.methods import METHODS
from headwater_kit.rpc.shares import Shares
from headwater_kit.telemetry import names
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.measuring import measuring
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving

MODULES = (embed_pb2, feedback_pb2, generate_pb2, guard_pb2, index_pb2, ingest_pb2, retrieve_pb2)
METHOD_DESCRIPTORS = {
    f"{service.full_name}/{method.name}": method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
SEARCH = "headwater.retrieve.v1.RetrieveService/Search"
STREAM = "headwater.retrieve.v1.RetrieveService/StreamSearch"
BATCH = "headwater.retrieve.v1.RetrieveService/BatchSearch"
EMBED = "headwater.embed.v1.EmbedService/Embed"
REQUEST = ingest_pb2.GetDocumentRequest(document_id="d")


class Held:
    """A behaviour that waits to be let go, one call a permit."""

    def __init__(self) -> None:
        self.release = asyncio.Semaphore(0)
        self.entered: list[bool] = []

    async def __call__(self, _: object) -> None:
        self.entered.append(True)
        await self.release.acquire()


async def nothing(_: object) -> None:
    pass


def search(variants: int = 0) -> retrieve_pb2.SearchRequest:
    return retrieve_pb2.SearchRequest(query="q", variants=[retrieve_pb2.Variant(text="v")] * variants)


def of(tenant: str) -> list[tuple[str, str | bytes]]:
    return principal_to_metadata(Principal(tenant, "u"))


def test_every_method_is_declared_and_no_other() -> None:
    assert set(METHODS) == set(METHOD_DESCRIPTORS)


@pytest.mark.parametrize("name", METHODS)
def test_the_fields_that_are_noted_are_texts_of_the_methods_messages(name: str) -> None:
    method, declared = METHOD_DESCRIPTORS[name], METHODS[name]
    messages = (method.input_type, method.output_type)
    for path in declared.subjects:
        assert any(_is_text(message, path) for message in messages), path
    assert not declared.tenant or _is_text(method.input_type, declared.tenant)


def _is_text(message: object, path: str) -> bool:
    for name in path.split("."):
        field: FieldDescriptor | None = getattr(message, "fields_by_name", {}).get(name)
        if field is None:
            return False
        message = field.message_type or field
    return isinstance(message, FieldDescriptor) and message.type == FieldDescriptor.TYPE_STRING


@pytest.mark.parametrize(
    ("method", "request_", "calls"),
    [
        (SEARCH, search(), 1),
        (SEARCH, search(2), 3),
        (STREAM, retrieve_pb2.StreamSearchRequest(search=search(1)), 2),
        (BATCH, retrieve_pb2.BatchSearchRequest(searches=[search()] * 30 + [search(8)]), 39),
        (BATCH, retrieve_pb2.BatchSearchRequest(), 1),
        (BATCH, retrieve_pb2.BatchSearchRequest(searches=[search()] * 10_000), 256),
        (BATCH, None, 1),
        (EMBED, embed_pb2.EmbedRequest(texts=["a"] * 7), 7),
        ("headwater.embed.v1.EmbedService/Rerank", embed_pb2.RerankRequest(passages=["a"] * 5), 5),
        (
            "headwater.guard.v1.GuardService/CheckPassages",
            guard_pb2.CheckPassagesRequest(passages=[documents_pb2.Passage()] * 4),
            4,
        ),
        ("headwater.ingest.v1.IngestService/GetDocument", REQUEST, 1),
    ],
)
def test_a_call_counts_as_many_as_it_asks_for(method: str, request_: Message | None, calls: int) -> None:
    assert METHODS[method].calls(request_) == calls


@asynccontextmanager
async def under_way(shares: Shares, tenant: str, method: str, request: Message) -> AsyncIterator[None]:
    call_context.enter(call_context.CallContext(Principal(tenant), Deadline.after(ManualClock(), 1.0)))
    async with shares.within_share(Call(method, None, streams_response=True, request=request)):
        yield


async def test_a_batch_takes_as_much_of_the_quota_as_its_searches_would_one_by_one() -> None:
    clock = ManualClock()
    shares = Shares(Quotas.parse({"*": {"search": "10/s burst 20", "embed": "10/s"}}), 256, clock)
    batch = retrieve_pb2.BatchSearchRequest(searches=[search()] * 15)
    async with under_way(shares, "acme", BATCH, batch):
        pass
    with pytest.raises(Overloaded, match="search calls, of which this counts as 15: try again in 1 s") as caught:
        async with under_way(shares, "acme", BATCH, batch):
            pass
    assert caught.value.retry_after_ms == pytest.approx(1_000, abs=1)
    async with under_way(shares, "acme", SEARCH, search(4)):
        pass
    with pytest.raises(Overloaded, match="search calls: try again"):
        async with under_way(shares, "acme", SEARCH, search()):
            pass
    # Longer than its burst: let through by a full bucket, and then owed for.
    texts = embed_pb2.EmbedRequest(texts=["a"] * 50)
    async with under_way(shares, "acme", EMBED, texts):
        pass
    with pytest.raises(Overloaded) as caught:
        async with under_way(shares, "acme", EMBED, embed_pb2.EmbedRequest(texts=["a"])):
            pass
    assert caught.value.retry_after_ms == pytest.approx(4_100, abs=1)


async def test_a_batch_takes_the_places_of_its_searches_and_a_batch_of_texts_one() -> None:
    shares = Shares(Quotas(), 40, ManualClock())
    batch = retrieve_pb2.BatchSearchRequest(searches=[search()] * 30)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(under_way(shares, "acme", BATCH, batch))
        await stack.enter_async_context(under_way(shares, "acme", EMBED, embed_pb2.EmbedRequest(texts=["a"] * 99)))
        await stack.enter_async_context(under_way(shares, "acme", SEARCH, search()))
        with pytest.raises(Overloaded, match="32 calls of tenant acme are being served"):
            await stack.enter_async_context(under_way(shares, "acme", SEARCH, search()))
        # Who has nothing under way is let in, batch or not.
        await stack.enter_async_context(under_way(shares, "globex", BATCH, batch))
    async with under_way(shares, "acme", BATCH, batch):
        pass


async def test_what_is_refused_for_want_of_a_place_is_not_counted_against_the_quota() -> None:
    shares = Shares(Quotas.parse({"*": {"search": "1/h burst 11"}}), 10, ManualClock())
    batch = retrieve_pb2.BatchSearchRequest(searches=[search()] * 10)
    async with under_way(shares, "acme", BATCH, batch):
        for _ in range(5):
            with pytest.raises(Overloaded, match="other tenants need room"):
                async with under_way(shares, "acme", SEARCH, search()):
                    pass
    async with under_way(shares, "acme", SEARCH, search()):
        pass


async def test_over_its_quota_a_tenant_is_told_when_to_return_and_others_go_on() -> None:
    settings = ScriptedSettings(quotas={"*": {"read": "1/min burst 2"}, "free": {"read": "unlimited"}})
    async with serving(scripted(nothing, settings), settings) as channel:
        stub = IngestServiceStub(channel)
        for _ in range(2):
            await stub.GetDocument(REQUEST, metadata=of("busy"))
        with pytest.raises(Overloaded, match="tenant busy has used up its quota of read calls") as caught:
            await stub.GetDocument(REQUEST, metadata=of("busy"))
        assert (caught.value.reason, 55_000 < caught.value.retry_after_ms <= 60_000) == ("QUOTA", True)
        await stub.GetDocument(REQUEST, metadata=of("other"))
        await stub.UpsertDocument(ingest_pb2.UpsertDocumentRequest(), metadata=of("busy"))
        for _ in range(5):
            await stub.GetDocument(REQUEST, metadata=of("free"))


async def test_a_tenant_that_takes_all_it_can_leaves_places_for_the_others() -> None:
    held, settings = Held(), ScriptedSettings(grpc_max_concurrent_calls=20)
    async with serving(scripted(held, settings), settings) as channel:
        stub = IngestServiceStub(channel)

        async def offered(tenant: str, calls: int) -> list[asyncio.Future[object]]:
            """Of so many calls, those that are being served."""
            made = [asyncio.ensure_future(stub.GetDocument(REQUEST, metadata=of(tenant))) for _ in range(calls)]
            while len(held.entered) + sum(call.done() for call in made) < sum(served) + calls:
                await asyncio.sleep(0)
            assert {type(call.exception()) for call in made if call.done()} <= {Overloaded}
            served.append(sum(not call.done() for call in made))
            return [call for call in made if not call.done()]

        served: list[int] = []
        crowd = await offered("crowd", 40)
        # Four fifths of 20, and then of what is left.
        others = await offered("second", 40)
        assert served == [16, 4]
        held.release.release()
        await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
        # The place that became free is not for who has most of them.
        others += [*await offered("crowd", 5), *await offered("third", 5)]
        assert served == [16, 4, 0, 1]
        for _ in range(40):
            held.release.release()
        await asyncio.gather(*crowd, *others)


async def test_calls_are_counted_by_tenant_those_of_a_batch_each() -> None:
    shares = Shares(Quotas(), 256, ManualClock())
    with measuring() as measured:
        for tenant, request in (("acme", search()), ("globex", search())):
            async with under_way(shares, tenant, SEARCH, request):
                pass
        async with under_way(shares, "acme", BATCH, retrieve_pb2.BatchSearchRequest(searches=[search()] * 3)):
            pass
        assert measured.by(names.RPC_TENANT_CALLS, names.TENANT) == {"acme": 4, "globex": 1}
