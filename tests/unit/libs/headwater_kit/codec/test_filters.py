import pytest
from google.protobuf.struct_pb2 import Value
from headwater.documents.v1 import documents_pb2 as pb
from headwater_kit.codec.filters import MAX_DEPTH, filter_from_proto
from headwater_kit.core.errors import InvalidInput

ONE = Value(number_value=1)
LEAF = pb.Filter(compare=pb.Comparison(field="year", operator=pb.OPERATOR_EQ, value=ONE))


def nested(depth: int) -> pb.Filter:
    outer = LEAF
    for _ in range(depth - 1):
        outer = pb.Filter(none=outer)
    return outer


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (pb.Filter(), "filter"),
        (pb.Filter(all=pb.FilterList()), "filter.all"),
        (pb.Filter(any=pb.FilterList(filters=[LEAF, pb.Filter()])), "filter.any[1]"),
        (pb.Filter(compare=pb.Comparison(field="year", value=ONE)), "filter.compare.operator"),
        (pb.Filter(compare=pb.Comparison(field="year", operator=pb.OPERATOR_EQ)), "filter.compare.value"),
        (pb.Filter(compare=pb.Comparison(operator=pb.OPERATOR_EQ, value=ONE)), "filter.compare.field"),
        (
            pb.Filter(compare=pb.Comparison(field="a", operator=pb.OPERATOR_LT, value=Value(bool_value=True))),
            "filter.compare.value",
        ),
        (pb.Filter(member=pb.Membership(field="year")), "filter.member.values"),
        (pb.Filter(member=pb.Membership(field="a", values=[ONE, Value(null_value=None)])), "filter.member.values[1]"),
        (pb.Filter(member=pb.Membership(field="a", values=[ONE] * 1025)), "filter.member.values"),
    ],
)
def test_a_bad_filter_names_its_part(message: pb.Filter, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        filter_from_proto(message)
    assert caught.value.field == field


def test_depth_is_bounded() -> None:
    filter_from_proto(nested(MAX_DEPTH))
    with pytest.raises(InvalidInput, match="nested"):
        filter_from_proto(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_must_be_finite(number: float) -> None:
    bad = pb.Comparison(field="a", operator=pb.OPERATOR_EQ, value=Value(number_value=number))
    with pytest.raises(InvalidInput, match="finite"):
        filter_from_proto(pb.Filter(compare=bad))
