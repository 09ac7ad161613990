"""How many calls a tenant may make: what was agreed, and the buckets that count."""

import math
import re
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import InvalidInput

# Stands for every tenant that has no rates of its own; where a tenant is called so, its rates are everybody's.
ANY_TENANT = "*"
UNLIMITED = "unlimited"
# About 20 MB. Past it the bucket that was used longest ago is forgotten, and is full again.
MAX_BUCKETS = 100_000
# What a sum of floats may be off by.
TOLERANCE_SECONDS = 1e-6

_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*/\s*(s|min|h)(?:\s+burst\s+(\d{1,9}))?", re.ASCII)
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


class Group(StrEnum):
    """What a call is counted as."""

    SEARCH = "search"
    ANSWER = "answer"
    WRITE = "write"
    READ = "read"
    FEEDBACK = "feedback"
    OPERATE = "operate"
    EMBED = "embed"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a second in the long run, and up to `burst` of them at once."""

    per_second: float
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Reads `50/s`, `600/min burst 100`, `1000/h`; without a burst, as many as a second has, and at least one.

        Raises InvalidInput.
        """
        found = _RATE.fullmatch(text.strip())
        if found is None or not float(found[1]) or found[3] == "0":
            raise InvalidInput(f"{text!r} is no rate: write 50/s, 600/min or 1000/h burst 20, or {UNLIMITED}")
        per_second = float(found[1]) / _SECONDS[found[2]]
        return cls(per_second, int(found[3]) if found[3] else max(1, math.ceil(per_second)))


@dataclass(frozen=True, slots=True)
class Quotas:
    """The rates by tenant and group; None is no limit."""

    by_tenant: Mapping[str, Mapping[Group, Rate | None]] = field(default_factory=dict)

    @classmethod
    def parse(cls, table: Mapping[str, Mapping[str, str]]) -> "Quotas":
        """Reads `{"*": {"search": "50/s"}, "acme": {"search": "unlimited"}}`. Raises InvalidInput."""
        return cls({tenant: _rates(tenant, rates) for tenant, rates in table.items()})

    def of(self, tenant: str, group: Group) -> Rate | None:
        """The tenant's rate for these calls: its own, or else everybody's; None is no limit."""
        own = self.by_tenant.get(tenant, {})
        return own[group] if group in own else self.by_tenant.get(ANY_TENANT, {}).get(group)


class Buckets:
    """A token bucket for each key that is in use. Owned by the event loop.

    Method: the generic cell rate algorithm (ITU-T I.371) in its virtual
    scheduling form: a bucket is the one moment at which it will be full.
    """

    def __init__(self, clock: Clock, max_buckets: int = MAX_BUCKETS) -> None:
        self._clock = clock
        self._max_buckets = max_buckets
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: Hashable, rate: Rate, tokens: int = 1) -> float:
        """Takes so many; where there are fewer takes none, and returns the seconds until there will be enough.

        More than the burst are given by a full bucket, which then owes the rest:
        so what comes in one piece is not refused for ever, and the rate holds.
        """
        now = self._clock.monotonic()
        full_at = max(now, self._full_at.get(key, now))
        wait_seconds = full_at - now - max(0, rate.burst - tokens) / rate.per_second
        if wait_seconds > TOLERANCE_SECONDS:
            return wait_seconds
        self._full_at[key] = full_at + tokens / rate.per_second
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._max_buckets:
            self._full_at.popitem(last=False)
        return 0.0


def _rates(tenant: str, rates: Mapping[str, str]) -> dict[Group, Rate | None]:
    unknown = sorted(set(rates) - set(Group))
    if unknown:
        raise InvalidInput(f"tenant {tenant}: there is no group {unknown[0]!r}, but {', '.join(Group)}")
    return {Group(name): None if text.strip() == UNLIMITED else Rate.parse(text) for name, text in rates.items()}
