"""Metadata values ↔ google.protobuf.Value and Struct."""

import math
from collections.abc import Mapping

from google.protobuf.struct_pb2 import Struct, Value

from headwater_kit.core.documents import MetadataValue
from headwater_kit.core.errors import InvalidInput


def value_to_proto(value: MetadataValue) -> Value:
    """A string, number or boolean as a Value."""
    # bool first: it is an int to Python.
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    return Value(number_value=float(value))


def value_from_proto(value: Value, field: str) -> MetadataValue:
    """A string, finite number or boolean.

    Raises InvalidInput with reason INVALID_METADATA naming `field` for
    anything else: null, list, struct, unset, NaN and the infinities.
    """
    kind = value.WhichOneof("kind")
    if kind == "bool_value":
        return value.bool_value
    if kind == "string_value":
        return value.string_value
    if kind == "number_value" and math.isfinite(value.number_value):
        return value.number_value
    raise InvalidInput(
        f"{field} must be a string, a finite number or a boolean", field=field, reason="INVALID_METADATA"
    )


def metadata_to_proto(metadata: Mapping[str, MetadataValue]) -> Struct:
    """Metadata as a Struct."""
    return Struct(fields={key: value_to_proto(value) for key, value in metadata.items()})


def metadata_from_proto(struct: Struct, field: str = "info.metadata") -> dict[str, MetadataValue]:
    """Metadata from a Struct. Raises InvalidInput with reason INVALID_METADATA naming the key."""
    return {key: value_from_proto(value, f"{field}.{key}") for key, value in struct.fields.items()}
