"""A message with every field set, the same at each run."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

# Enough for a filter within a filter; beyond it a message stays empty.
MAX_DEPTH = 6
# Four bytes are a number of single precision.
BYTES = b"\x00\x00\x80?"
# What fields must hold beside their type.
HELD = {"stage": "input", "verdict": "allow", "shortfall": "GUARDED", "log_propensity": -0.5}
# Of a oneof, which one, where the first leads on and on or says nothing.
CHOSEN = {"headwater.documents.v1.Filter": "compare", "google.protobuf.Value": "string_value"}


def filled(message: Message, depth: int = 0) -> Message:
    """Sets every field of it, and of a oneof the first; lists have one entry, maps too."""
    seen: set[str] = set()
    of = message.DESCRIPTOR.full_name
    for number, field in enumerate(sorted(message.DESCRIPTOR.fields, key=lambda one: one.number), start=1):
        oneof = field.containing_oneof
        if oneof is not None and (oneof.name in seen or field.name != CHOSEN.get(of, field.name)):
            continue
        if oneof is not None:
            seen.add(oneof.name)
        _set(message, field, number, depth)
    return message


def _set(message: Message, field: FieldDescriptor, number: int, depth: int) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        _set_entry(getattr(message, field.name), field, number, depth)
    elif field.message_type is not None:
        if depth < MAX_DEPTH:
            place = getattr(message, field.name)
            filled(place.add() if field.is_repeated else place, depth + 1)
            if not field.is_repeated:
                place.SetInParent()
    elif field.is_repeated:
        getattr(message, field.name).append(_value(field, number))
    else:
        setattr(message, field.name, _value(field, number))


def _set_entry(entries: Any, field: FieldDescriptor, number: int, depth: int) -> None:
    value = field.message_type.fields_by_name["value"]
    if value.message_type is not None:
        filled(entries["key"], depth + 1)
    else:
        entries["key"] = _value(value, number)


def _value(field: FieldDescriptor, number: int) -> Any:
    if field.enum_type is not None:
        # The last one: the youngest, so that what a release adds is seen.
        return field.enum_type.values[-1].number
    if field.name in HELD:
        return HELD[field.name]
    return {
        FieldDescriptor.CPPTYPE_STRING: BYTES if field.type == FieldDescriptor.TYPE_BYTES else f"{field.name} {number}",
        FieldDescriptor.CPPTYPE_BOOL: True,
        FieldDescriptor.CPPTYPE_DOUBLE: number + 0.5,
        FieldDescriptor.CPPTYPE_FLOAT: number + 0.5,
    }.get(field.cpp_type, number)
