"""Every span, metric and attribute, declared once: name, unit, meaning."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counter:
    """A number that only grows. `unit` is UCUM; "1" counts things."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that goes up and down."""

    name: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """A distribution; `bounds` are the upper bounds of its buckets, in its unit."""

    name: str
    unit: str
    meaning: str
    bounds: tuple[float, ...]


# From 1 ms to 10 s, about two a decade: a call's time matters to a factor, not to a percent.
CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

RPC_SERVER_DURATION = Histogram(
    "headwater.rpc.server.duration", "s", "time to answer a call, by method and status code", CALL_SECONDS
)
RPC_CLIENT_DURATION = Histogram(
    "headwater.rpc.client.duration", "s", "time of a call to a peer, by method and status code", CALL_SECONDS
)
RPC_SERVER_IN_FLIGHT = Gauge("headwater.rpc.server.in_flight", "{call}", "calls being served now")
SERVICE_SERVING = Gauge("headwater.service.serving", "1", "1 while health says SERVING, else 0")

# Attributes of spans and metrics; the first three are OpenTelemetry's own words.
RPC_SYSTEM = "rpc.system"
RPC_METHOD = "rpc.method"
RPC_STATUS_CODE = "rpc.grpc.status_code"
ERROR_REASON = "headwater.error.reason"
TENANT = "headwater.tenant"
