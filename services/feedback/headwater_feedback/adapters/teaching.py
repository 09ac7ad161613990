"""In which traces a tenant's latest examples were learned from: what was learned of them is linked to those."""

from collections import OrderedDict, deque
from collections.abc import Sequence

from headwater_kit.telemetry.propagation import MAX_LINKS
from headwater_kit.telemetry.spans import current
from opentelemetry.trace import SpanContext

# Those that learned last; of others what is learned has no links.
MAX_TENANTS = 1_000


class Teaching:
    """The spans of the last 32 examples of each of the last 1,000 tenants."""

    def __init__(self) -> None:
        self._spans: OrderedDict[str, deque[SpanContext]] = OrderedDict()

    def note(self, tenant: str) -> None:
        """The tenant learns from something in the span under way; outside one nothing is noted."""
        if not current().is_valid:
            return
        self._spans.setdefault(tenant, deque(maxlen=MAX_LINKS)).append(current())
        self._spans.move_to_end(tenant)
        if len(self._spans) > MAX_TENANTS:
            self._spans.popitem(last=False)

    def of(self, tenant: str) -> Sequence[SpanContext]:
        """The tenant's, the latest last."""
        return tuple(self._spans.get(tenant, ()))
