"""The error table, both ways, through a real server."""

import pytest
from grpc import StatusCode
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.core import errors
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.rpc.status import CODES, ERRORS, from_status, to_status
from headwater_kit.testing.scripted import ScriptedSettings, scripted
from headwater_kit.testing.service import serving

CASES = [
    errors.InvalidInput("bad", field="documents[3].title", reason="TOO_LARGE"),
    errors.InvalidInput("bad"),
    errors.NotFound("gone"),
    errors.Denied("no"),
    errors.Unauthenticated("who?", reason="EXPIRED"),
    errors.Suspended("not now"),
    errors.NotYet("behind", lag=17, staleness_ms=2500),
    errors.Misconfigured("fix the setting"),
    errors.Overloaded("full", retry_after_ms=1250),
    errors.Overloaded("full", reason="QUEUE_FULL"),
    errors.Unavailable("away"),
    errors.DeadlineExceeded("late"),
    errors.Permanent("never"),
    HeadwaterError("odd"),
]
SETTINGS = ScriptedSettings()


def all_kinds() -> set[type[HeadwaterError]]:
    found, left = set(), [HeadwaterError]
    while left:
        kind = left.pop()
        # Subclasses that other modules make take their base's row.
        if kind.__module__ == errors.__name__:
            found.add(kind)
            left.extend(kind.__subclasses__())
    return found


def test_every_error_has_a_code() -> None:
    assert set(CODES) == all_kinds()


def test_every_case_is_here() -> None:
    # A bare Transient travels as what it means: Unavailable.
    assert {type(case) for case in CASES} == all_kinds() - {errors.Transient}


async def call(stub: IngestServiceStub, kind: str) -> None:
    if kind == "unary":
        await stub.GetDocument(pb.GetDocumentRequest())
    elif kind == "client stream":
        await stub.UploadDocument(iter([pb.UploadDocumentRequest()]))
    else:
        async for _ in stub.WatchDocument(pb.WatchDocumentRequest()):
            pass


@pytest.mark.parametrize("kind", ["unary", "server stream", "client stream"])
@pytest.mark.parametrize("error", CASES, ids=lambda error: type(error).__name__)
async def test_an_error_arrives_as_it_was_raised(error: HeadwaterError, kind: str) -> None:
    async def behaviour(_: object) -> None:
        raise error

    async with serving(scripted(behaviour, SETTINGS), SETTINGS) as channel:
        with pytest.raises(HeadwaterError) as caught:
            await call(IngestServiceStub(channel), kind)
    assert type(caught.value) is type(error)
    assert (caught.value.message, caught.value.reason) == (error.message, error.reason)
    assert {"reason": error.reason, **vars(caught.value)} == {"reason": error.reason, **vars(error)}


async def test_a_defect_tells_the_caller_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    async def behaviour(_: object) -> None:
        raise ValueError("password is hunter2")

    async with serving(scripted(behaviour, SETTINGS), SETTINGS) as channel:
        with pytest.raises(HeadwaterError) as caught:
            await IngestServiceStub(channel).GetDocument(pb.GetDocumentRequest())
    assert caught.value.reason == "INTERNAL"
    assert "hunter2" not in caught.value.message
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("code", [code for code in StatusCode if code is not StatusCode.OK])
def test_a_foreign_status_is_some_error(code: StatusCode) -> None:
    error = from_status(code, "words", (), "peer")
    assert type(error) is ERRORS.get(code, HeadwaterError)
    assert error.message == "peer: words"


def test_a_silent_status_names_the_peer() -> None:
    assert "headwater.Peer/Method" in from_status(StatusCode.INTERNAL, "", (), "headwater.Peer/Method").message


def test_damaged_details_do_no_harm() -> None:
    error = from_status(StatusCode.NOT_FOUND, "gone", (("grpc-status-details-bin", b"\xff\xff"),), "peer")
    assert type(error) is errors.NotFound


def test_a_message_over_the_limit_is_not_to_be_retried() -> None:
    text = "Received message larger than max (10 vs. 4)"
    error = from_status(StatusCode.RESOURCE_EXHAUSTED, text, (), "peer")
    assert isinstance(error, errors.InvalidInput)
    assert error.reason == "TOO_LARGE"


def test_trailing_metadata_is_bounded() -> None:
    refusal = to_status(errors.InvalidInput("x" * 100_000, field="y" * 100_000))
    assert sum(len(value) for _, value in refusal.trailing_metadata) < 4096


def test_trailing_metadata_is_bounded_in_every_script() -> None:
    refusal = to_status(errors.InvalidInput("文" * 2_000, field="文" * 2_000))
    details = sum(len(value) for _, value in refusal.trailing_metadata)
    # As they travel: base64, and percent-encoding.
    assert details * 4 / 3 + len(refusal.message.encode()) * 3 < 8 * 1024
    assert refusal.message == "文" * 300


def test_a_subclass_takes_its_bases_code() -> None:
    class Stale(errors.NotFound):
        pass

    assert to_status(Stale("old")).code is StatusCode.NOT_FOUND
