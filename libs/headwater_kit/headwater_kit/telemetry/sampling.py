"""Which spans are recorded, and which of them are passed on."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.util.types import Attributes

# Traces have their ids everywhere; what happens in them is noted only where that goes somewhere.
NOTHING_RECORDED = ParentBased(ALWAYS_OFF)


class RatioSampler(Sampler):
    """Samples a share of the traces that begin here; of others, what whoever began them decided.

    With `errors`, spans of the other traces are recorded too, so that
    `ErrorsToo` can pass on those that fail.
    """

    def __init__(self, ratio: float, *, errors: bool) -> None:
        self._by_parent = ParentBased(TraceIdRatioBased(ratio))
        self._ratio = ratio
        self._errors = errors

    def should_sample(  # noqa: PLR0917 - as the SDK calls it
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes | None = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """See the SDK's `Sampler`."""
        found = self._by_parent.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if found.decision is Decision.DROP and self._errors:
            return SamplingResult(Decision.RECORD_ONLY, attributes, found.trace_state)
        return found

    def get_description(self) -> str:
        """See the SDK's `Sampler`."""
        return f"RatioSampler{{{self._ratio}, errors={self._errors}}}"


class ErrorsToo(SpanProcessor):
    """Passes on to another processor what is sampled, and what is not but has failed."""

    def __init__(self, inner: SpanProcessor) -> None:
        self._inner = inner

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """See the SDK's `SpanProcessor`."""
        self._inner.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """See the SDK's `SpanProcessor`."""
        context = span.get_span_context()
        if context is None or context.trace_flags.sampled:
            self._inner.on_end(span)
        elif span.status.status_code is StatusCode.ERROR:
            self._inner.on_end(_sampled(span, context))

    def shutdown(self) -> None:
        """See the SDK's `SpanProcessor`."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """See the SDK's `SpanProcessor`."""
        return self._inner.force_flush(timeout_millis)


def _sampled(span: ReadableSpan, context: SpanContext) -> ReadableSpan:
    """The span as if it were sampled, which processors ask for."""
    return ReadableSpan(
        span.name,
        SpanContext(context.trace_id, context.span_id, context.is_remote, TraceFlags(TraceFlags.SAMPLED)),
        span.parent,
        span.resource,
        span.attributes,
        span.events,
        span.links,
        span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
