import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from headwater_kit.codec.times import time_from_proto, time_to_proto


@pytest.mark.parametrize("seconds", [0.0, 0.001, 1_700_000_000.123, -0.25, 4_000_000_000.999])
def test_round_trip(seconds: float) -> None:
    assert time_from_proto(time_to_proto(seconds)) == pytest.approx(seconds, abs=1e-9)


def test_rounding_into_the_next_second_keeps_nanos_in_range() -> None:
    assert time_to_proto(1.9999999999) == Timestamp(seconds=2, nanos=0)
