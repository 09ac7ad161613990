"""Every topic value survives its bytes, and no bytes do harm."""

from enum import StrEnum
from typing import Any

import pytest
from headwater.access.v1 import credentials_pb2
from headwater.events.v1 import audit_pb2, companions_pb2, reindexes_pb2, tenants_pb2
from headwater.events.v1 import events_pb2 as pb
from headwater_kit.codec import companions, credentials, enums, reindexes
from headwater_kit.codec.events import CODECS, decode, encode
from headwater_kit.core import events, impressions, learning
from headwater_kit.core.audit import AuditRecorded, CallServed, ChainEnded, ChainStarted
from headwater_kit.core.companions import CompanionReported, CompanionStage
from headwater_kit.core.credentials import ApiKey, RevokedToken, TenantStanding
from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    Lane,
    ObjectReference,
    Origin,
    Passage,
    Position,
    Principal,
    ScoreParts,
)
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import All, Compare, Member, Not, Operator
from headwater_kit.core.filters import Any as AnyOf
from headwater_kit.core.learning import GateDecided, GateDecision, GoldQuestion
from headwater_kit.core.reindexes import (
    ReindexJudged,
    ReindexReported,
    ReindexSide,
    ReindexStage,
    ReindexTarget,
    ReindexWished,
)
from headwater_kit.core.rewriting import Rewrite, Rewriting, Shortfall, Turn
from headwater_kit.core.roles import Role
from headwater_kit.core.tenants import TenantErased
from hypothesis import given
from hypothesis import strategies as st

ints = st.integers(0, 2**31 - 1)
longs = st.integers(0, 2**63 - 1)
# Kafka tells time in milliseconds.
times = st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000)
numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=20)
names = st.text(min_size=1, max_size=20)
values = st.one_of(texts, numbers, st.booleans())
blobs = st.binary(max_size=32)


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(of, max_size=3).map(tuple)


positions = st.builds(Position, ints, longs)
lanes = st.sampled_from(Lane)
origins = st.builds(Origin, texts, positions, times)
objects = st.builds(ObjectReference, texts, longs, texts)
places = st.builds(events.Parts, lanes, ints)
watermarks = st.lists(positions, max_size=3).map(lambda found: tuple(sorted(found)))
infos = st.builds(DocumentInfo, texts, texts, texts, st.dictionaries(texts, values, max_size=3))
chunks = st.builds(Chunk, texts, ints, texts, tuples(texts), ints, ints, ints, texts)
parts = st.builds(ScoreParts, *[st.none() | numbers] * 3)
principals = st.builds(Principal, texts, texts, tuples(texts), st.frozensets(st.sampled_from(Role)))
passages = st.builds(Passage, chunks, texts, longs, infos, ints, numbers, parts)
provenances = st.builds(
    events.Provenance,
    positions,
    times,
    st.sampled_from(events.Outcome),
    version=longs,
    reason=texts,
    lane=lanes,
    moved_to=st.none() | positions,
)
chunked = st.builds(events.DocumentChunked, provenances, infos, ints, ints, ints, tuples(chunks))
findings = st.builds(events.Finding, texts, texts, ints, ints)
words = st.dictionaries(texts, texts, max_size=3)
figures = st.dictionaries(texts, numbers, max_size=3)
single = st.floats(allow_nan=False, allow_infinity=False, width=32)
servings = st.builds(
    learning.Serving,
    st.sampled_from(learning.ServingPolicy),
    *[texts] * 3,
    st.none() | positions,
    tuples(positions),
    words,
)
items = st.builds(
    impressions.ImpressionItem,
    *(texts, texts, longs, texts, st.integers(1, 2**31 - 1), numbers, parts),
    tuples(single),
    st.floats(max_value=0.0, allow_nan=False, allow_infinity=False),
    st.none() | st.sampled_from(learning.Team),
)
shown = st.builds(
    impressions.ImpressionRecorded,
    *(texts, texts, texts, texts, blobs, texts, tuples(items), times, st.booleans(), texts, servings),
)
feedback = st.builds(
    impressions.FeedbackRecorded,
    texts,
    texts,
    names,
    names,
    st.sampled_from(impressions.Reaction),
    ints,
    times,
    numbers,
    texts,
)
joined = st.builds(impressions.FeedbackJoined, feedback, shown, tuples(items))
judgements = st.builds(
    impressions.Judgement,
    *(ints, numbers, st.booleans(), st.booleans(), numbers),
    tuples(st.sampled_from(impressions.Reaction)),
    st.booleans(),
)
closed = st.builds(impressions.ImpressionClosed, shown, tuples(judgements), ints, times, st.booleans())
rewritings = st.builds(
    Rewriting,
    st.sampled_from(Rewrite),
    texts,
    tuples(texts),
    tuples(texts),
    texts,
    st.none() | st.sampled_from(Shortfall),
)
sides = st.builds(ReindexSide, texts, texts, texts, ints)
votes = st.builds(learning.PassageVotes, texts, texts, ints, ints, *[st.none() | numbers] * 2)
memories = st.builds(
    learning.ClickMemory, texts, texts, blobs, texts, tuples(votes), times, numbers, st.none() | numbers
)
learned = st.one_of(
    memories,
    st.builds(learning.RankerModel, texts, tuples(numbers), tuples(texts)),
    st.builds(
        learning.AdapterModel,
        texts,
        texts,
        tuples(st.builds(learning.Adapter, texts, blobs, numbers, ints, blobs, blobs)),
    ),
    st.builds(learning.BanditModel, texts, texts, tuples(st.builds(learning.Arm, texts, figures, numbers, numbers))),
)
stamps = st.builds(
    learning.Stamp, *[texts] * 3, blobs, texts, st.none() | positions, st.integers(-(2**63), 2**63 - 1), figures, ints
)
checks = st.builds(learning.GateCheck, texts, numbers, numbers, st.booleans(), ints)
ordered = [operator for operator in Operator if operator not in (Operator.EQ, Operator.NE)]
leaves = st.one_of(
    st.builds(Compare, names, st.sampled_from([Operator.EQ, Operator.NE]), values),
    st.builds(Compare, names, st.sampled_from(ordered), texts | numbers),
    st.builds(Member, names, st.lists(values, min_size=1, max_size=3).map(tuple)),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
decisions = st.builds(
    events.GuardDecided,
    st.sampled_from(events.Stage),
    texts,
    texts,
    st.sampled_from(events.Verdict),
    tuples(findings),
    times,
    texts,
)
noted = st.one_of(
    st.builds(CallServed, *[texts] * 8), st.builds(ChainStarted, texts, texts, longs), st.just(ChainEnded()), decisions
)
STRATEGIES: dict[type, st.SearchStrategy[Any]] = {
    events.DocumentUpserted: st.builds(events.DocumentUpserted, infos, blobs, st.none() | longs, st.none() | objects),
    events.DocumentChunked: chunked,
    events.DocumentEmbedded: st.builds(events.DocumentEmbedded, chunked, tuples(blobs), texts, ints),
    events.DocumentIndexed: st.builds(events.DocumentIndexed, provenances, times, longs, ints, texts),
    events.LedgerEntry: st.builds(
        events.LedgerEntry, longs, st.booleans(), positions, times, infos, ints, st.none() | origins, places, places
    ),
    events.QuestionAsked: st.builds(
        events.QuestionAsked,
        texts,
        names,
        names,
        texts,
        st.none() | filters,
        st.none() | st.sampled_from(Rewrite),
        tuples(st.builds(Turn, texts, texts)),
    ),
    events.AnswerGenerated: st.builds(
        events.AnswerGenerated,
        answer_id=texts,
        tenant=texts,
        user=texts,
        question=texts,
        text=texts,
        citations=tuples(st.builds(events.Citation, ints, passages, texts, ints, ints)),
        refusal=st.none() | st.sampled_from(events.Refusal),
        generator=texts,
        answer_time=times,
        findings=tuples(findings),
        watermark=watermarks,
        question_id=texts,
        rewriting=st.none() | rewritings,
    ),
    events.GuardDecided: decisions,
    TenantErased: st.builds(TenantErased, names, times),
    AuditRecorded: st.builds(AuditRecorded, texts, longs, blobs, times, texts, noted),
    impressions.ImpressionRecorded: shown,
    impressions.FeedbackRecorded: feedback,
    impressions.TrainingRecorded: st.builds(impressions.TrainingRecorded, joined | closed),
    impressions.FeedbackQuarantined: st.builds(impressions.FeedbackQuarantined, feedback, texts, texts, times),
    impressions.UserForgotten: st.builds(impressions.UserForgotten, texts, texts, times),
    learning.ModelPublished: st.builds(
        learning.ModelPublished, learned, times, st.none() | stamps, st.sampled_from(learning.ServingPolicy), numbers
    ),
    GoldQuestion: st.builds(
        GoldQuestion, texts, texts, tuples(st.builds(learning.GoldLabel, texts, ints, texts)), texts, times
    ),
    GateDecided: st.builds(
        GateDecided,
        *[texts] * 4,
        st.sampled_from(GateDecision),
        tuples(checks),
        texts,
        times,
        texts,
    ),
    ApiKey: st.builds(ApiKey, texts, blobs, principals, times, st.none() | times, st.none() | times, texts),
    TenantStanding: st.builds(TenantStanding, texts, st.booleans(), times, texts),
    RevokedToken: st.builds(RevokedToken, texts, times, times, texts),
    CompanionReported: st.builds(
        *(CompanionReported, texts, st.sampled_from(CompanionStage), texts, ints, texts, longs, longs, longs, texts),
        *(tuples(positions), tuples(positions)),
    ),
    ReindexWished: st.builds(ReindexWished, texts, st.sampled_from(ReindexTarget), texts, ints, times),
    ReindexReported: st.builds(
        ReindexReported,
        texts,
        st.sampled_from(ReindexStage),
        sides,
        sides,
        longs,
        longs,
        st.none() | times,
        longs,
        st.none() | times,
        texts,
    ),
    ReindexJudged: st.builds(ReindexJudged, texts, times, ints, numbers, ints, numbers, numbers, st.booleans(), texts),
}


def test_every_codec_has_a_strategy_here() -> None:
    assert set(STRATEGIES) == set(CODECS)


def test_every_event_message_of_the_contract_has_a_codec() -> None:
    # The messages that stand inside others, and are no topic values themselves.
    inner = {
        "Provenance",
        "Origin",
        "Parts",
        "ObjectReference",
        "Citation",
        "Finding",
        "ImpressionItem",
        "FeedbackJoined",
        "ImpressionClosed",
        "Judgement",
        "Serving",
        "ClickMemory",
        "PassageVotes",
        "RankerModel",
        "AdapterModel",
        "Adapter",
        "BanditModel",
        "Arm",
        "Stamp",
        "GateCheck",
        "GoldLabel",
        "ReindexSide",
        "LogPlace",
        "Turn",
        "Rewriting",
        "CallServed",
        "ChainStarted",
        "ChainEnded",
    }
    named = {codec.message.DESCRIPTOR.name for codec in CODECS.values()}
    files = (
        *(pb.DESCRIPTOR, reindexes_pb2.DESCRIPTOR, credentials_pb2.DESCRIPTOR),
        *(audit_pb2.DESCRIPTOR, tenants_pb2.DESCRIPTOR, companions_pb2.DESCRIPTOR),
    )
    assert named == {name for file in files for name in file.message_types_by_name} - inner


@pytest.mark.parametrize("kind", CODECS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_round_trip(kind: type, data: st.DataObject) -> None:
    event = data.draw(STRATEGIES[kind])
    assert decode(kind, encode(event)) == event


@pytest.mark.parametrize("kind", CODECS, ids=lambda kind: kind.__name__)
@given(garbage=st.binary(max_size=64))
def test_garbage_is_refused_or_read_and_never_crashes(kind: type, garbage: bytes) -> None:
    reason = ""
    try:
        decode(kind, garbage)
    except InvalidInput as error:
        reason = error.reason
    assert reason in {"", "UNDECODABLE", "INVALID_METADATA"}


@pytest.mark.parametrize("kind", CODECS, ids=lambda kind: kind.__name__)
def test_bytes_that_are_no_protobuf_are_undecodable(kind: type) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(kind, b"\xff\xff not protobuf")
    assert caught.value.reason == "UNDECODABLE"


def test_an_unset_outcome_is_undecodable_and_names_the_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(events.DocumentIndexed, b"")
    assert (caught.value.reason, caught.value.field) == ("UNDECODABLE", "provenance.outcome")


def test_metadata_that_is_no_scalar_names_its_key() -> None:
    message = pb.DocumentUpserted()
    message.info.metadata.update({"tags": ["a", "b"]})
    with pytest.raises(InvalidInput) as caught:
        decode(events.DocumentUpserted, message.SerializeToString())
    assert (caught.value.reason, caught.value.field) == ("INVALID_METADATA", "info.metadata.tags")


def test_equal_events_give_equal_bytes() -> None:
    keys = [f"k{i}" for i in range(20)]
    one = events.DocumentUpserted(DocumentInfo(metadata=dict.fromkeys(keys, 1.0)), b"")
    other = events.DocumentUpserted(DocumentInfo(metadata=dict.fromkeys(reversed(keys), 1.0)), b"")
    assert encode(one) == encode(other)


@pytest.mark.parametrize(
    ("words", "table"),
    [
        (events.Outcome, enums.OUTCOMES),
        (events.Refusal, enums.REFUSALS),
        (impressions.Reaction, enums.REACTIONS),
        (Operator, enums.OPERATORS),
        (ReindexTarget, reindexes.TARGETS),
        (ReindexStage, reindexes.STAGES),
        (CompanionStage, companions.STAGES),
        (Role, credentials.ROLES),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_word_has_its_own_number(words: type[StrEnum], table: enums.EnumTable[Any, Any]) -> None:
    assert [table.from_proto(table.to_proto(word), "x") for word in words] == list(words)
