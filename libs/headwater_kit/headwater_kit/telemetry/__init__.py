"""Traces, metrics and logs."""

from headwater_kit.telemetry.instruments import counter, event, gauge, histogram, tracer
from headwater_kit.telemetry.logs import trace_id
from headwater_kit.telemetry.propagation import extract, inject

__all__ = ["counter", "event", "extract", "gauge", "histogram", "inject", "trace_id", "tracer"]
