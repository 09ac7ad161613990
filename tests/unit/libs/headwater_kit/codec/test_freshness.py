"""Freshness on the wire: what is not asked for stays apart from what is asked for as 0."""

from headwater.documents.v1 import documents_pb2 as pb
from headwater_kit.codec.documents import freshness_from_proto, freshness_to_proto
from headwater_kit.core.documents import Freshness, Position
from hypothesis import given
from hypothesis import strategies as st

positions = st.lists(st.builds(Position, st.integers(0, 9), st.integers(0, 2**62)), max_size=4).map(tuple)
asked = st.builds(Freshness, positions, st.integers(0, 2**31 - 1), st.none() | st.integers(0, 2**62))


@given(asked)
def test_it_arrives_as_it_was_asked(freshness: Freshness) -> None:
    wire = pb.Freshness.FromString(freshness_to_proto(freshness).SerializeToString())
    assert freshness_from_proto(wire) == freshness


def test_nothing_asked_for_is_nothing_on_the_wire() -> None:
    assert freshness_from_proto(pb.Freshness()) == Freshness()
    assert freshness_to_proto(Freshness(max_staleness_ms=0)) != pb.Freshness()
