"""Options of a search by the names that the SDK gives them: a new one can be measured as soon as it is there."""

import inspect
import json
from collections.abc import Mapping, Sequence
from typing import Any, get_type_hints

from google.protobuf.json_format import ParseDict, ParseError
from headwater.documents.v1 import documents_pb2
from headwater_client import Client
from headwater_kit.codec.filters import filter_from_proto
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import Filter
from pydantic import TypeAdapter, ValidationError


def search_options(given: Sequence[str]) -> dict[str, Any]:
    """Arguments of `Client.search` from words such as `top_k=50`; a value is JSON, or else a string.

    Raises InvalidInput for a name that it does not take and a value of another type.
    """
    types, options = _types(), {}
    for word in given:
        name, equals, text = word.partition("=")
        if not equals or name not in types:
            raise InvalidInput(f"{word!r} is no option of a search: give NAME=VALUE, of {', '.join(types)}", field=name)
        options[name] = _value(name, text, types[name])
    return options


def _types() -> Mapping[str, Any]:
    hints = get_type_hints(Client.search)
    return {name: hints[name] for name in inspect.signature(Client.search).parameters if name not in {"self", "query"}}


def _value(name: str, text: str, kind: Any) -> Any:
    try:
        said = json.loads(text)
    except ValueError:
        said = text
    try:
        # All and Any look alike in their values, so a filter is given as the contract gives it.
        return _filter(said) if name == "filter" else TypeAdapter(kind).validate_python(said)
    except ValidationError as error:
        found = error.errors()[0]
        raise InvalidInput(f"{name}={text}: {found['msg']}", field=name) from None


def _filter(said: Any) -> Filter:
    try:
        return filter_from_proto(ParseDict(said, documents_pb2.Filter()))
    except (ParseError, AttributeError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"{said!r} is no Filter of headwater.documents.v1 as JSON: {error}", field="filter"
        ) from None
