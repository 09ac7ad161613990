"""Plain JSON on topics that people write to by hand: the contract's field names, less ceremony.

`tenant` and `user` may be left out; enumerations take their short words, such
as "up"; ids and times that are missing come from the record that carries them.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.json_format import ParseDict, ParseError
from headwater.events.v1 import events_pb2 as pb

from headwater_kit.codec.answers import question_from_proto
from headwater_kit.codec.enums import REACTIONS, word_from_text
from headwater_kit.codec.headers import CONTENT_TYPE, JSON
from headwater_kit.codec.learning import feedback_from_proto
from headwater_kit.codec.rewriting import rewrite_to_proto
from headwater_kit.codec.times import time_to_proto
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import QuestionAsked
from headwater_kit.core.impressions import FeedbackRecorded, Reaction
from headwater_kit.core.rewriting import Rewrite

Wire = TypeVar("Wire", pb.QuestionAsked, pb.FeedbackRecorded)


def is_plain(value: bytes, headers: Mapping[str, bytes]) -> bool:
    """Whether a value is JSON: by its content-type header, or else by its first character."""
    content_type = headers.get(CONTENT_TYPE)
    if content_type is not None:
        return content_type.split(b";")[0].strip().lower() == JSON
    return value.lstrip()[:1] == b"{"


def question(value: bytes) -> QuestionAsked:
    """A question. Raises InvalidInput naming the field, with reason UNDECODABLE where the JSON is at fault."""
    fields = _fields(value)
    word = str(fields.pop("rewrite", "")).lower()
    rewrite = word_from_text(Rewrite, word, "rewrite") if word else None
    return question_from_proto(_message(fields, pb.QuestionAsked(rewrite=rewrite_to_proto(rewrite))))


def feedback(value: bytes, feedback_id: str, timestamp: float) -> FeedbackRecorded:
    """A reaction; `feedback_id` and `timestamp` (seconds since the epoch) stand in for missing ones.

    Raises InvalidInput naming the field, with reason UNDECODABLE where the JSON is at fault.
    """
    fields = _fields(value)
    reaction = word_from_text(Reaction, str(fields.pop("reaction", "")).lower(), "reaction")
    message = _message(fields, pb.FeedbackRecorded(reaction=REACTIONS.to_proto(reaction)))
    message.feedback_id = message.feedback_id or feedback_id
    if not message.HasField("time"):
        message.time.CopyFrom(time_to_proto(timestamp))
    return feedback_from_proto(message)


def _fields(value: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError) as error:  # brackets nested by the thousand
        raise InvalidInput(f"the value is not JSON: {error}", reason="UNDECODABLE", field="value") from None
    if not isinstance(fields, dict):
        raise InvalidInput("the value must be a JSON object", reason="UNDECODABLE", field="value")
    return fields


def _message(fields: dict[str, Any], message: Wire) -> Wire:
    try:
        ParseDict(fields, message)
    except ParseError as error:
        raise InvalidInput(f"the value does not fit: {error}", reason="UNDECODABLE", field="value") from None
    return message
