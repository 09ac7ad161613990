"""Seconds since the epoch ↔ google.protobuf.Timestamp."""

import math

from google.protobuf.timestamp_pb2 import Timestamp

NANOS = 1_000_000_000


def time_to_proto(seconds: float) -> Timestamp:
    """The moment, to the nanosecond."""
    whole = math.floor(seconds)
    nanos = round((seconds - whole) * NANOS)
    # Rounding may reach the next second, which a Timestamp does not allow in nanos.
    return Timestamp(seconds=whole + nanos // NANOS, nanos=nanos % NANOS)


def time_from_proto(time: Timestamp) -> float:
    """Seconds since the epoch; an unset one is 0."""
    # One division of integers rounds once, so that what was in milliseconds comes back as it was.
    return (int(time.seconds) * NANOS + int(time.nanos)) / NANOS
