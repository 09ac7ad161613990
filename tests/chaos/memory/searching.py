"""How hypothesis looks for failures here: the same examples every time, and no more shrinking than is worth its time."""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

# A soak tries this many times as many histories, other ones each time.
SOAK = int(os.environ.get("HEADWATER_SOAK", "0"))


def effort(examples: int, **more: Any) -> settings:
    """Settings for so many examples."""
    return settings(
        max_examples=examples * max(1, SOAK),
        deadline=None,
        database=None,
        derandomize=not SOAK,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        **more,
    )
