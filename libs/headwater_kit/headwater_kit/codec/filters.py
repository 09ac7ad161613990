"""Filters ↔ `headwater.documents.v1.Filter`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any as Anything

from headwater.documents.v1 import documents_pb2 as pb

from headwater_kit.codec.enums import OPERATORS
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.codec.values import value_from_proto, value_to_proto
from headwater_kit.core.documents import MetadataValue
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import (
    DOCUMENT_FIELDS,
    MAX_DEPTH,
    ORDERINGS,
    All,
    Any,
    Compare,
    Exists,
    Filter,
    Leaf,
    Member,
    Not,
    Operator,
    Prefix,
)
from headwater_kit.core.moments import Moment

# With `core.filters.check`, which bounds the whole, what a walk may meet in one place.
MAX_OPERANDS = 1024
# A range is two comparisons; each bound's field says which.
_BOUNDS = {
    "at_least": Operator.GE,
    "above": Operator.GT,
    "at_most": Operator.LE,
    "below": Operator.LT,
}
_MOMENTS = {
    "at_or_after": Operator.GE,
    "after": Operator.GT,
    "at_or_before": Operator.LE,
    "before": Operator.LT,
}
_MOMENT_FIELDS = {operator: name for name, operator in _MOMENTS.items()}


def filter_to_proto(filter: Filter) -> pb.Filter:
    """A typed filter as the contract's message. Raises InvalidInput for a time compared by anything but order."""
    match filter:
        case All(filters):
            return pb.Filter(all=_list_to_proto(filters))
        case Any(filters):
            return pb.Filter(any=_list_to_proto(filters))
        case Not(operand):
            return pb.Filter(none=filter_to_proto(operand))
        case leaf:
            return _leaf_to_proto(leaf)


def _leaf_to_proto(leaf: Leaf) -> pb.Filter:
    match leaf:
        case Compare(field, operator, value):
            return _compare_to_proto(field, operator, value)
        case Member(field, values):
            return pb.Filter(member=pb.Membership(field=field, values=[value_to_proto(value) for value in values]))
        case Exists(field):
            return pb.Filter(exists=pb.Existence(field=field))
        case Prefix(field, prefix):
            return pb.Filter(prefix=pb.Prefix(field=field, prefix=prefix))


def _compare_to_proto(field: str, operator: Operator, value: MetadataValue | Moment) -> pb.Filter:
    if not isinstance(value, Moment):
        comparison = pb.Comparison(field=field, operator=OPERATORS.to_proto(operator), value=value_to_proto(value))
        return pb.Filter(compare=comparison)
    if operator not in ORDERINGS:
        raise InvalidInput(f"{field}: a time is compared by < <= > >=", field="filter")
    bound = {_MOMENT_FIELDS[operator]: time_to_proto(value.seconds)}
    return pb.Filter(time=pb.TimeRange(field=field, **bound))


def filter_from_proto(message: pb.Filter, field: str = "filter") -> Filter:
    """A typed filter from the contract's message.

    Raises InvalidInput naming the part: an unset node, an empty list, an
    unknown operator, a value of the wrong kind, or one nested over 16 deep or
    with over 1,024 operands in a list.
    """
    return _from_proto(message, field, MAX_DEPTH)


def _from_proto(message: pb.Filter, field: str, depth: int) -> Filter:
    if depth == 0:
        raise InvalidInput(f"{field} is nested more than {MAX_DEPTH} deep", field=field)
    kind = message.WhichOneof("node")
    match kind:
        case "all":
            return All(_list_from_proto(message.all, f"{field}.all", depth))
        case "any":
            return Any(_list_from_proto(message.any, f"{field}.any", depth))
        case "none":
            return Not(_from_proto(message.none, f"{field}.none", depth - 1))
        case None:
            kinds = ", ".join(message.DESCRIPTOR.fields_by_name)
            raise InvalidInput(f"{field} must set one of {kinds}", field=field)
    return _LEAVES[kind](getattr(message, kind), f"{field}.{kind}")


def _compare_from_proto(message: pb.Comparison, field: str) -> Compare:
    operator = OPERATORS.from_proto(message.operator, f"{field}.operator")
    value = value_from_proto(message.value, f"{field}.value")
    if isinstance(value, bool) and operator in ORDERINGS:
        raise InvalidInput(f"{field}.value is a boolean, which has no order", field=f"{field}.value")
    return Compare(_name(message.field, field), operator, value)


def _member_from_proto(message: pb.Membership, field: str) -> Member:
    _check_length(message.values, f"{field}.values")
    values = tuple(value_from_proto(value, f"{field}.values[{i}]") for i, value in enumerate(message.values))
    return Member(_name(message.field, field), values)


def _exists_from_proto(message: pb.Existence, field: str) -> Exists:
    return Exists(_name(message.field, field))


def _prefix_from_proto(message: pb.Prefix, field: str) -> Prefix:
    return Prefix(_name(message.field, field), message.prefix)


def _range_from_proto(message: pb.Range, field: str) -> Filter:
    name, bounds = _name(message.field, field), _bounds(message, field)
    values = {bound: value_from_proto(getattr(message, bound), f"{field}.{bound}") for bound in bounds}
    for bound, value in values.items():
        if isinstance(value, bool):
            raise InvalidInput(f"{field}.{bound} is a boolean, which has no order", field=f"{field}.{bound}")
    if len({isinstance(value, str) for value in values.values()}) > 1:
        raise InvalidInput(f"{field} has bounds of two types: give two strings or two numbers", field=field)
    return _between([Compare(name, _BOUNDS[bound], value) for bound, value in values.items()])


def _time_from_proto(message: pb.TimeRange, field: str) -> Filter:
    name, bounds = _name(message.field, field), _bounds(message, field)
    if name in DOCUMENT_FIELDS:
        raise InvalidInput(f"{name} is text, not a time: name a metadata key", field=f"{field}.field")
    return _between(
        [Compare(name, _MOMENTS[bound], Moment(time_from_proto(getattr(message, bound)))) for bound in bounds]
    )


def _bounds(message: pb.Range | pb.TimeRange, field: str) -> list[str]:
    found: list[str] = [bound for side in ("low", "high") if (bound := message.WhichOneof(side)) is not None]
    if not found:
        raise InvalidInput(f"{field} must have a bound", field=field)
    return found


def _between(bounds: list[Compare]) -> Filter:
    return bounds[0] if len(bounds) == 1 else All(tuple(bounds))


def _name(name: str, field: str) -> str:
    if not name:
        raise InvalidInput(f"{field}.field must name a metadata key or a document field", field=f"{field}.field")
    return name


def _list_to_proto(filters: Sequence[Filter]) -> pb.FilterList:
    return pb.FilterList(filters=[filter_to_proto(operand) for operand in filters])


def _list_from_proto(message: pb.FilterList, field: str, depth: int) -> tuple[Filter, ...]:
    _check_length(message.filters, field)
    return tuple(_from_proto(operand, f"{field}[{i}]", depth - 1) for i, operand in enumerate(message.filters))


def _check_length(items: Sequence[object], field: str) -> None:
    if not 1 <= len(items) <= MAX_OPERANDS:
        raise InvalidInput(f"{field} must have 1 to {MAX_OPERANDS} entries, has {len(items)}", field=field)


_LEAVES: Mapping[str, Callable[[Anything, str], Filter]] = {
    "compare": _compare_from_proto,
    "member": _member_from_proto,
    "exists": _exists_from_proto,
    "range": _range_from_proto,
    "prefix": _prefix_from_proto,
    "time": _time_from_proto,
}
