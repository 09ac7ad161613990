import pytest
from google.protobuf.struct_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp
from headwater.documents.v1 import documents_pb2 as pb
from headwater_kit.codec.filters import filter_from_proto, filter_to_proto
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import MAX_DEPTH, All, Any, Compare, Exists, Filter, Member, Not, Operator, Prefix
from headwater_kit.core.moments import Moment
from hypothesis import given
from hypothesis import strategies as st

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
        (pb.Filter(exists=pb.Existence()), "filter.exists.field"),
        (pb.Filter(prefix=pb.Prefix(prefix="a")), "filter.prefix.field"),
        (pb.Filter(range=pb.Range(field="a")), "filter.range"),
        (pb.Filter(range=pb.Range(field="a", at_least=Value(bool_value=True))), "filter.range.at_least"),
        (pb.Filter(range=pb.Range(field="a", below=Value())), "filter.range.below"),
        (pb.Filter(range=pb.Range(field="a", above=ONE, at_most=Value(string_value="z"))), "filter.range"),
        (pb.Filter(time=pb.TimeRange(field="a")), "filter.time"),
        (pb.Filter(time=pb.TimeRange(field="title", after=Timestamp(seconds=1))), "filter.time.field"),
        (pb.Filter(none=pb.Filter(time=pb.TimeRange(after=Timestamp(seconds=1)))), "filter.none.time.field"),
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


def test_a_range_is_its_comparisons() -> None:
    both = pb.Range(field="year", at_least=ONE, below=Value(number_value=2))
    assert filter_from_proto(pb.Filter(range=both)) == All(
        (Compare("year", Operator.GE, 1.0), Compare("year", Operator.LT, 2.0))
    )
    one = pb.Range(field="year", above=Value(string_value="a"))
    assert filter_from_proto(pb.Filter(range=one)) == Compare("year", Operator.GT, "a")
    times = pb.TimeRange(field="seen", after=Timestamp(seconds=1), at_or_before=Timestamp(seconds=2, nanos=500_000_000))
    assert filter_from_proto(pb.Filter(time=times)) == All(
        (Compare("seen", Operator.GT, Moment(1.0)), Compare("seen", Operator.LE, Moment(2.5)))
    )


VALUES = st.text() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(min_size=1)
LEAVES = st.one_of(
    st.builds(Compare, NAMES, st.sampled_from([Operator.EQ, Operator.NE]), VALUES),
    st.builds(Compare, NAMES, st.sampled_from(list(Operator)), st.text()),
    st.builds(
        Compare,
        NAMES.filter(lambda name: name != "title"),
        st.sampled_from([Operator.LT, Operator.LE, Operator.GT, Operator.GE]),
        st.builds(Moment, st.integers(-(10**9), 10**10).map(float)),
    ),
    st.builds(Member, NAMES, st.lists(VALUES, min_size=1, max_size=3).map(tuple)),
    st.builds(Exists, NAMES),
    st.builds(Prefix, NAMES, st.text()),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Any, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(FILTERS)
def test_a_filter_comes_back_as_it_was_sent(chosen: Filter) -> None:
    assert filter_from_proto(filter_to_proto(chosen)) == chosen
