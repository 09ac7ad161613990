"""Records that cannot be processed: put aside with a reason, marked in the chain, neighbours unaffected."""

import json

import pytest
from headwater.documents.v1.documents_pb2 import DocumentInfo
from headwater.events.v1 import events_pb2 as pb
from headwater_kit.core.documents import DocumentKey, document_of
from headwater_kit.core.events import Outcome

pytestmark = pytest.mark.usefixtures("channel")

PROTOBUF = {"content-type": b"application/x-protobuf"}
MIB = 1024 * 1024


def as_json(**fields: object) -> bytes:
    return json.dumps({"text": "x", **fields}).encode()


DOCUMENT_WITH_NULL = pb.DocumentUpserted(info=DocumentInfo(metadata={"a": None}), body=b"x").SerializeToString()

BAD = {
    "missing key": (None, b"text", {}, "MISSING_KEY"),
    "empty key": (b"", b"text", {}, "MISSING_KEY"),
    "key not UTF-8": (b"\xff\xfe", b"text", {}, "INVALID_KEY"),
    "key of 10,000 characters": (b"k" * 10_000, b"text", {}, "INVALID_KEY"),
    "key with a control character": (b"a\nb", b"text", {}, "INVALID_KEY"),
    "no protobuf": (b"bad", b"\xff\xff\xff", PROTOBUF, "UNDECODABLE"),
    "no JSON": (b"bad", b"{nonsense", {}, "UNDECODABLE"),
    "JSON of another kind": (b"bad", b"[1]", {"content-type": b"application/json"}, "UNDECODABLE"),
    "JSON nested without end": (b"bad", b'{"a":' * 100_000, {}, "UNDECODABLE"),
    "unknown field": (b"bad", as_json(body="x"), {}, "UNDECODABLE"),
    "text is no string": (b"bad", as_json(text=1), {}, "UNDECODABLE"),
    "half a surrogate pair": (b"bad", b'{"text": "\\ud800"}', {}, "INVALID_UTF8"),
    "half a surrogate pair in the title": (b"bad", b'{"text": "x", "title": "\\ud800"}', {}, "INVALID_METADATA"),
    "body not UTF-8": (b"bad", b"caf\xe9", {}, "INVALID_UTF8"),
    "JSON not UTF-8": (b"bad", b'{"text": "caf\xe9"}', {}, "INVALID_UTF8"),
    "unknown media type": (b"bad", b"%PDF", {"content-type": b"application/pdf"}, "UNKNOWN_MEDIA_TYPE"),
    "unknown media type in JSON": (b"bad", as_json(media_type="image/png"), {}, "UNKNOWN_MEDIA_TYPE"),
    "empty value": (b"bad", b"", {}, "EMPTY_TEXT"),
    "white space": (b"bad", b" \n\t ", {}, "EMPTY_TEXT"),
    "HTML without text": (b"bad", b"<script>x</script>", {"content-type": b"text/html"}, "EMPTY_TEXT"),
    "no text in JSON": (b"bad", b'{"title": "x"}', {}, "EMPTY_TEXT"),
    "HTML nested without end": (b"bad", b"<div>" * 50_000 + b"x", {"content-type": b"text/html"}, "TOO_COMPLEX"),
    "50 MB": (b"bad", b"x" * 50 * MIB, {}, "TOO_LARGE"),
    "version 0": (b"bad", as_json(version=0), {}, "INVALID_VERSION"),
    "version is no number": (b"bad", as_json(version=True), {}, "INVALID_VERSION"),
    "version out of bounds": (b"bad", as_json(version=2**63), {}, "INVALID_VERSION"),
    "version header is no number": (b"bad", b"x", {"headwater-version": b"-1"}, "INVALID_VERSION"),
    "version header of a deletion": (b"bad", None, {"headwater-version": b"0"}, "INVALID_VERSION"),
    "metadata is no object": (b"bad", as_json(metadata=[1]), {}, "INVALID_METADATA"),
    "metadata of a list": (b"bad", as_json(metadata={"a": [1]}), {}, "INVALID_METADATA"),
    "metadata of null": (b"bad", as_json(metadata={"a": None}), {}, "INVALID_METADATA"),
    "metadata not finite": (b"bad", b'{"text": "x", "metadata": {"a": NaN}}', {}, "INVALID_METADATA"),
    "metadata beyond a float": (b"bad", as_json(metadata={"a": 10**400}), {}, "INVALID_METADATA"),
    "metadata key": (b"bad", as_json(metadata={"1 a": 1}), {}, "INVALID_METADATA"),
    "65 metadata keys": (b"bad", as_json(metadata={f"k{i}": i for i in range(65)}), {}, "INVALID_METADATA"),
    "metadata of 40,000 bytes": (
        b"bad",
        as_json(metadata={f"k{i}": "v" * 1000 for i in range(40)}),
        {},
        "INVALID_METADATA",
    ),
    "title of 1,001 characters": (b"bad", as_json(title="t" * 1001), {}, "INVALID_METADATA"),
    "source of 2,001 characters": (b"bad", as_json(source_uri="u" * 2001), {}, "INVALID_METADATA"),
    "readers are no list": (b"bad", as_json(readers="group:a"), {}, "INVALID_READERS"),
    "readers are none": (b"bad", as_json(readers=[]), {}, "INVALID_READERS"),
    "a reader is no string": (b"bad", as_json(readers=["group:a", 1]), {}, "INVALID_READERS"),
    "a reader without a kind": (b"bad", as_json(readers=["a"]), {}, "INVALID_READERS"),
    "a reader with a control character": (b"bad", as_json(readers=["group:a\nb"]), {}, "INVALID_READERS"),
    "half a surrogate pair in a reader": (b"bad", b'{"text": "x", "readers": ["user:\\ud800"]}', {}, "INVALID_READERS"),
    "257 readers": (b"bad", as_json(readers=[f"user:{n}" for n in range(257)]), {}, "INVALID_READERS"),
    "readers in a header that is no JSON": (b"bad", b"x", {"headwater-readers": b"group:a"}, "INVALID_READERS"),
    "no readers in a header": (b"bad", b"x", {"headwater-readers": b"[]"}, "INVALID_READERS"),
    "protobuf with a reader without a kind": (
        b"bad",
        pb.DocumentUpserted(info=DocumentInfo(readers=["a"]), body=b"x").SerializeToString(),
        PROTOBUF,
        "INVALID_READERS",
    ),
    "protobuf with null metadata": (
        b"bad",
        DOCUMENT_WITH_NULL,
        PROTOBUF,
        "INVALID_METADATA",
    ),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_record_is_put_aside_with_its_reason(log, case: str) -> None:
    key, value, headers, reason = BAD[case]
    before = await log.write(b"good-1", b"text")
    bad = await log.write(key, value, headers)
    after = await log.write(b"good-2", b"text")

    for good in (before, after):
        (part,) = await log.outcome(good)
        assert part.provenance.outcome is Outcome.UPSERTED
    (marker,) = await log.outcome(bad)
    assert (marker.provenance.outcome, marker.provenance.reason) == (Outcome.REJECTED, reason)
    assert marker.chunks == ()
    (letter,) = await log.until(log.dead_letters)
    assert (letter.key, letter.value) == (key, value)
    assert {name: letter.headers[name] for name in headers} == headers
    assert letter.headers["headwater-dead-letter-reason"] == reason.encode()
    assert letter.headers["headwater-dead-letter-offset"] == str(bad.offset).encode()


async def test_a_marker_always_has_the_key_of_a_document(log) -> None:
    for key in (None, b"\xff", b"k" * 10_000, b"fine"):
        await log.outcome(await log.write(key, b"\xff"))
    keys = {document_of(record.key) for record in log.records("chunks.v1")}
    assert DocumentKey("default", "fine") in keys
    assert {key.tenant for key in keys} == {"default", "headwater-no-document"}


async def test_a_rejected_event_leaves_the_version_as_it_was(log) -> None:
    await log.outcome(await log.write(b"a", b"one"))
    await log.outcome(await log.write(b"a", b"\xff"))
    (part,) = await log.outcome(await log.write(b"a", b"two"))
    assert part.provenance.version == 2
