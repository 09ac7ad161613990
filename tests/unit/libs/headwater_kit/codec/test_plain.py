"""Plain JSON, as people and other systems write it."""

import json

import pytest
from headwater_kit.codec import plain
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import QuestionAsked
from headwater_kit.core.filters import Compare, Operator
from headwater_kit.core.impressions import FeedbackRecorded, Reaction
from headwater_kit.core.rewriting import Rewrite, Turn


@pytest.mark.parametrize(
    ("value", "headers", "expected"),
    [
        (b' {"text": ""}', {}, True),
        (b"\n\x05hello", {}, False),
        (b"", {}, False),
        (b"[1]", {"content-type": b"application/json; charset=utf-8"}, True),
        (b"{", {"content-type": b"application/x-protobuf"}, False),
    ],
)
def test_what_counts_as_plain(value: bytes, headers: dict[str, bytes], expected: bool) -> None:
    assert plain.is_plain(value, headers) is expected


def test_a_question_needs_its_text_alone() -> None:
    assert plain.question(b'{"text": "why?"}') == QuestionAsked("", "default", "anonymous", "why?")


def test_a_question_may_filter() -> None:
    compare = {"field": "year", "operator": "OPERATOR_GE", "value": 2020}
    value = json.dumps({"text": "why?", "filter": {"compare": compare}}).encode()
    assert plain.question(value).filter == Compare("year", Operator.GE, 2020.0)


def test_a_question_may_have_a_conversation_and_a_short_word_for_its_rewriting() -> None:
    value = b'{"text": "and then?", "rewrite": "multi", "history": [{"question": "why?", "answer": "So."}]}'
    asked = plain.question(value)
    assert (asked.rewrite, asked.history) == (Rewrite.MULTI, (Turn("why?", "So."),))
    with pytest.raises(InvalidInput, match="none, multi, hyde, decompose") as refusal:
        plain.question(b'{"text": "why?", "rewrite": "cleverly"}')
    assert refusal.value.field == "rewrite"


def test_feedback_takes_short_words_and_what_is_missing_from_the_record() -> None:
    value = b'{"impression_id": "i", "user": "ann", "reaction": "UP", "rank": 2}'
    expected = FeedbackRecorded("topic/3/7", "i", "default", "ann", Reaction.UP, 2, 12.5)
    assert plain.feedback(value, "topic/3/7", 12.5) == expected


def test_feedback_keeps_what_it_brings() -> None:
    value = b'{"feedback_id": "f", "impression_id": "i", "reaction": "down", "time": "1970-01-01T00:00:02Z"}'
    event = plain.feedback(value, "other", 12.5)
    assert (event.feedback_id, event.time) == ("f", 2.0)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"\xff",
        b'{"text": 1}',
        b'{"text": "x", "unknown": 1}',
        b'{"text": "\\ud800"}',
        b'{"text": "x", "filter": 3}',
        b'{"text": "x", "filter": {"compare": {"field": "a", "operator": "OPERATOR_EQ", "value": NaN}}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda value: value[:20].decode("latin-1"),
)
def test_bad_json_is_undecodable(value: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        plain.question(value)
    assert caught.value.reason in {"UNDECODABLE", "INVALID_METADATA"}


@pytest.mark.parametrize("reaction", ["", "REACTION_UP", "meh", None, 1])
def test_an_unknown_reaction_names_its_field(reaction: object) -> None:
    value = json.dumps({"impression_id": "i", "reaction": reaction}).encode()
    with pytest.raises(InvalidInput) as caught:
        plain.feedback(value, "f", 0.0)
    assert caught.value.field == "reaction"
