"""One tenant's calls leave room for another's."""

import asyncio

import pytest
from google.protobuf.descriptor import FieldDescriptor
from headwater.embed.v1 import embed_pb2
from headwater.feedback.v1 import feedback_pb2
from headwater.generate.v1 import generate_pb2
from headwater.guard.v1 import guard_pb2
from headwater.index.v1 import index_pb2
from headwater.ingest.v1 import ingest_pb2
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater.retrieve.v1 import retrieve_pb2
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Overloaded
from headwater_kit.rpc.metadata import principal_to_metadata
from headwater_kit.rpc.methods import METHODS
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving

MODULES = (embed_pb2, feedback_pb2, generate_pb2, guard_pb2, index_pb2, ingest_pb2, retrieve_pb2)
METHOD_DESCRIPTORS = {
    f"{service.full_name}/{method.name}": method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
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
