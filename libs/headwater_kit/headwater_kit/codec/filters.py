"""Filters ↔ `headwater.documents.v1.Filter`."""

from collections.abc import Sequence

from headwater.documents.v1 import documents_pb2 as pb

from headwater_kit.codec.enums import OPERATORS
from headwater_kit.codec.values import value_from_proto, value_to_proto
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import All, Any, Compare, Filter, Member, Not, Operator

# A filter comes from outside and is walked recursively: these bound the walk
# and the expression that the store gets. No source; ample for a person's filter.
MAX_DEPTH = 16
MAX_OPERANDS = 1024
_ORDERINGS = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE})


def filter_to_proto(filter: Filter) -> pb.Filter:
    """A typed filter as the contract's message."""
    match filter:
        case All(filters):
            return pb.Filter(all=_list_to_proto(filters))
        case Any(filters):
            return pb.Filter(any=_list_to_proto(filters))
        case Not(operand):
            return pb.Filter(none=filter_to_proto(operand))
        case Compare(field, operator, value):
            comparison = pb.Comparison(field=field, operator=OPERATORS.to_proto(operator), value=value_to_proto(value))
            return pb.Filter(compare=comparison)
        case Member(field, values):
            return pb.Filter(member=pb.Membership(field=field, values=[value_to_proto(value) for value in values]))


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
    match message.WhichOneof("node"):
        case "all":
            return All(_list_from_proto(message.all, f"{field}.all", depth))
        case "any":
            return Any(_list_from_proto(message.any, f"{field}.any", depth))
        case "none":
            return Not(_from_proto(message.none, f"{field}.none", depth - 1))
        case "compare":
            return _compare_from_proto(message.compare, f"{field}.compare")
        case "member":
            return _member_from_proto(message.member, f"{field}.member")
    raise InvalidInput(f"{field} must set one of all, any, none, compare, member", field=field)


def _compare_from_proto(message: pb.Comparison, field: str) -> Compare:
    operator = OPERATORS.from_proto(message.operator, f"{field}.operator")
    value = value_from_proto(message.value, f"{field}.value")
    if isinstance(value, bool) and operator in _ORDERINGS:
        raise InvalidInput(f"{field}.value is a boolean, which has no order", field=f"{field}.value")
    return Compare(_name(message.field, field), operator, value)


def _member_from_proto(message: pb.Membership, field: str) -> Member:
    _check_length(message.values, f"{field}.values")
    values = tuple(value_from_proto(value, f"{field}.values[{i}]") for i, value in enumerate(message.values))
    return Member(_name(message.field, field), values)


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
