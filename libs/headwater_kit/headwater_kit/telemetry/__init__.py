"""Traces, metrics and logs."""

from headwater_kit.telemetry.instruments import counter, gauge, histogram, tracer
from headwater_kit.telemetry.logs import trace_id
from headwater_kit.telemetry.propagation import extract, inject

__all__ = ["counter", "extract", "gauge", "histogram", "inject", "trace_id", "tracer"]
