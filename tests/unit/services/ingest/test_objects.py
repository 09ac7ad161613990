"""Large bodies: one contract over a folder, memory and S3's protocol; and a document's way through it."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_ingest.adapters import objects
from headwater_ingest.adapters.erasing import ObjectErasing
from headwater_ingest.adapters.objects import SWEEP_SECONDS, ObstoreObjects
from headwater_ingest.bootstrap import build
from headwater_ingest.domain.objects import YOUNG_SECONDS, folder_of, missing, reference_to
from headwater_ingest.settings import Settings
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.bus.topics import DOCUMENTS
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentInfo, ObjectReference, Position
from headwater_kit.core.errors import InvalidInput, Misconfigured, NotFound, Unavailable
from headwater_kit.core.events import DocumentUpserted, Outcome
from headwater_kit.core.tenants import TenantErased
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.service import serving
from pydantic import SecretStr, ValidationError
from unit.services.ingest.tiny_s3 import BUCKET, KEY_ID, TinyS3

PROTOBUF = {"content-type": b"application/x-protobuf"}
KINDS = ("folder", "memory", "s3")


@pytest.fixture(scope="module")
def tiny_s3() -> Iterator[TinyS3]:
    with TinyS3().serving() as served:
        yield served


def in_s3(tiny_s3: TinyS3, key_id: str = KEY_ID) -> ObstoreObjects:
    opening = objects.s3(
        BUCKET,
        prefix="headwater",
        region="us-east-1",
        endpoint=tiny_s3.address,
        key_id=key_id,
        secret=SecretStr("secret"),
        allow_http=True,
    )
    return ObstoreObjects(opening, SystemClock(), 60.0)


@asynccontextmanager
async def opened(store: ObstoreObjects) -> AsyncIterator[ObstoreObjects]:
    await store.start()
    try:
        yield store
    finally:
        await store.stop(Deadline.after(SystemClock(), 1.0))


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path, tiny_s3: TinyS3) -> AsyncIterator[ObstoreObjects]:
    openings = {"folder": objects.folder(tmp_path / "objects"), "memory": objects.memory()}
    kind = request.param
    made = in_s3(tiny_s3) if kind == "s3" else ObstoreObjects(openings[kind], SystemClock(), 60.0)
    async with opened(made) as store:
        yield store


async def test_what_is_put_is_there_and_what_is_not_is_not_found(store: ObstoreObjects) -> None:
    body = bytes(range(256)) * 5000
    await store.put("0f/ab", body)
    assert await store.get("0f/ab") == body
    with pytest.raises(NotFound):
        await store.get("0f/cd")


async def test_put_again_it_is_the_same(store: ObstoreObjects) -> None:
    for _ in range(2):
        await store.put("0f/twice", b"body")
    assert await store.get("0f/twice") == b"body"


async def test_a_sweep_removes_what_is_older_and_nothing_else(store: ObstoreObjects) -> None:
    await store.put("0f/swept", b"body")
    assert await store.sweep(time.time() - 60.0) == 0
    assert await store.get("0f/swept") == b"body"
    assert await store.sweep(time.time() + 60.0) >= 1
    with pytest.raises(NotFound):
        await store.get("0f/swept")


async def test_a_sweep_of_a_folder_leaves_the_others_alone(store: ObstoreObjects) -> None:
    for name in (f"{folder_of('acme')}one", f"{folder_of('globex')}one"):
        await store.put(name, b"body")
    assert await store.sweep(time.time() + 60.0, folder_of("acme")) == 1
    assert await store.get(f"{folder_of('globex')}one") == b"body"
    with pytest.raises(NotFound):
        await store.get(f"{folder_of('acme')}one")


async def test_bodies_of_an_erased_tenant_go_as_soon_as_the_store_answers(tiny_s3: TinyS3) -> None:
    clock = ManualClock()
    async with opened(ObstoreObjects(objects.memory(), SystemClock(), 60.0)) as store:
        await store.put(f"{folder_of('acme')}one", b"body")
        erasing = ObjectErasing(store, clock, random.Random(1))
        await erasing.start()
        erasing.on_erased(TenantErased("acme", time.time() + 60.0))
        while not erasing.is_done:
            await asyncio.sleep(0)
        with pytest.raises(NotFound):
            await store.get(f"{folder_of('acme')}one")
        await erasing.stop(Deadline.after(clock, 1.0))
    # Away at first: tried again after a rest.
    away = in_s3(tiny_s3)
    erasing = ObjectErasing(away, clock, random.Random(1))
    await erasing.start()
    erasing.on_erased(TenantErased("acme", time.time() + 60.0))
    await clock.settle()
    assert not erasing.is_done
    async with opened(away):
        await clock.advance(60.0)
        while not erasing.is_done:
            await asyncio.sleep(0)
        await erasing.stop(Deadline.after(clock, 1.0))


async def test_a_store_that_is_not_open_or_refuses_is_unavailable(tiny_s3: TinyS3) -> None:
    with pytest.raises(Unavailable):
        await in_s3(tiny_s3).get("a")
    async with opened(in_s3(tiny_s3, key_id="stranger")) as refused:
        with pytest.raises(Unavailable):
            await refused.put("a", b"x")


async def test_a_short_fault_of_the_store_is_ridden_out(tiny_s3: TinyS3) -> None:
    async with opened(in_s3(tiny_s3)) as store:
        tiny_s3.refusals = [503]
        await store.put("0f/late", b"body")
        assert await store.get("0f/late") == b"body"


async def test_a_folder_that_cannot_be_made_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Misconfigured):
        await ObstoreObjects(objects.folder(tmp_path / "file" / "x"), SystemClock(), 1.0).start()


async def test_old_objects_go_by_themselves() -> None:
    clock = ManualClock(time.time() + 100.0)
    store = ObstoreObjects(objects.memory(), clock, keep_seconds=50.0)
    async with opened(store):
        await store.put("0f/old", b"body")
        swept = asyncio.create_task(clock.advance(SWEEP_SECONDS + 1.0))
        async with asyncio.timeout(5.0):
            while await found(store, "0f/old"):
                await asyncio.sleep(0)
        await swept


async def found(store: ObstoreObjects, name: str) -> bool:
    try:
        return bool(await store.get(name))
    except NotFound:
        return False


@pytest.mark.parametrize(
    "wrong",
    [{"ingest_objects": "s3"}, {"ingest_s3_endpoint": "http://minio:9000"}, {"ingest_objects": "nfs"}],
)
def test_a_store_that_cannot_work_is_refused_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)


def test_a_name_tells_nothing_and_depends_on_the_tenant() -> None:
    mine, yours = reference_to("acme", b"body"), reference_to("globex", b"body")
    assert (mine.sha256, mine.size_bytes) == (yours.sha256, 4)
    assert mine.name != yours.name
    assert "acme" not in mine.name


def test_what_is_missing_may_be_late_and_then_is_lost() -> None:
    error = NotFound("not there")
    assert isinstance(missing(error, YOUNG_SECONDS - 1), Unavailable)
    lost = missing(error, YOUNG_SECONDS + 1)
    assert isinstance(lost, InvalidInput)
    assert lost.reason == "OBJECT_MISSING"


LARGE = ("word " * 1000 + "\n\n").encode() * 4


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    changes = {"ingest_objects": "folder", "ingest_objects_folder": tmp_path / "bodies", "ingest_inline_bytes": 1024}
    return settings.model_copy(update=changes)


async def test_a_large_body_goes_by_the_store(stub, log, tmp_path: Path) -> None:
    reply = await stub.UpsertDocument(pb.UpsertDocumentRequest(document_id="a", body=LARGE))
    (record,) = log.records(DOCUMENTS.name)
    written = decode(DocumentUpserted, record.value)
    assert (written.body, written.body_object) == (b"", reference_to("default", LARGE))
    assert len(record.value) < 500
    (part, *_) = await log.outcome(Position(reply.position.partition, reply.position.offset))
    assert part.provenance.outcome is Outcome.UPSERTED
    assert part.chunks[0].text.startswith("word word")


async def test_a_small_body_and_a_store_turned_off_stay_in_the_log(log, bus: MemoryBus, settings: Settings) -> None:
    settings = settings.model_copy(update={"ingest_objects": "none"})
    async with serving(build(settings, bus=bus), settings) as channel:
        await IngestServiceStub(channel).UpsertDocument(pb.UpsertDocumentRequest(document_id="a", body=LARGE))
    (record,) = log.records(DOCUMENTS.name)
    assert decode(DocumentUpserted, record.value).body == LARGE


def by(reference: ObjectReference) -> bytes:
    return encode(DocumentUpserted(DocumentInfo(), b"", body_object=reference))


@pytest.mark.usefixtures("channel")
async def test_a_body_that_is_not_what_was_written_is_put_aside(log, tmp_path: Path) -> None:
    reference = reference_to("default", LARGE)
    path = tmp_path / "bodies" / reference.name
    path.parent.mkdir(parents=True)
    path.write_bytes(LARGE[:-1] + b"x")
    (part,) = await log.outcome(await log.write(b"a", by(reference), PROTOBUF))
    assert (part.provenance.outcome, part.provenance.reason) == (Outcome.REJECTED, "OBJECT_CORRUPT")


@pytest.mark.usefixtures("channel")
async def test_no_tenant_reads_anothers_body_and_no_name_leads_out(log, tmp_path: Path) -> None:
    foreign = reference_to("globex", LARGE)
    (tmp_path / "secret").write_bytes(LARGE)
    for name in (foreign.name, "../secret", "/etc/passwd", ""):
        reference = ObjectReference(name, len(LARGE), foreign.sha256)
        (part,) = await log.outcome(await log.write(b"a", by(reference), PROTOBUF))
        assert part.provenance.reason == "OBJECT_FOREIGN"


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize("digest", ["a" * 5000, "../" + "0" * 61, "A" * 64, "0" * 63 + "/", ""])
async def test_what_is_no_digest_is_put_aside_at_once(log, digest: str) -> None:
    folder = reference_to("default", LARGE).name.partition("/")[0]
    reference = ObjectReference(f"{folder}/{digest}", len(LARGE), digest)
    (part,) = await log.outcome(await log.write(b"a", by(reference), PROTOBUF))
    assert part.provenance.reason == "OBJECT_FOREIGN"


@pytest.mark.usefixtures("channel")
async def test_a_body_that_is_late_is_waited_for(log, tmp_path: Path) -> None:
    reference = reference_to("default", LARGE)
    position = await log.write(b"a", by(reference), PROTOBUF)
    path = tmp_path / "bodies" / reference.name
    path.parent.mkdir(parents=True)
    path.write_bytes(LARGE)
    (part, *_) = await log.outcome(position)
    assert part.provenance.outcome is Outcome.UPSERTED


@pytest.mark.usefixtures("channel")
async def test_a_body_that_was_there_long_ago_and_is_not_any_more_is_put_aside(log) -> None:
    old = {**PROTOBUF, "headwater-origin": b"documents.v1/0/7/1000"}
    (part,) = await log.outcome(await log.write(b"a", by(reference_to("default", LARGE)), old))
    assert (part.provenance.outcome, part.provenance.reason) == (Outcome.REJECTED, "OBJECT_MISSING")
