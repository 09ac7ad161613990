"""How long to wait before trying again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential back-off with full jitter.

    Method: AWS Architecture Blog, "Exponential Backoff And Jitter" (2015):
    a uniform draw from 0 to the capped exponential spreads the retries best.
    """

    base_seconds: float = 0.1
    cap_seconds: float = 10.0

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Seconds to wait after failed attempt number `attempt`, from 1."""
        # 2.0 ** 64 is past any cap; the bound keeps the power from overflowing.
        ceiling = min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 64))
        return rng.uniform(0.0, ceiling)
