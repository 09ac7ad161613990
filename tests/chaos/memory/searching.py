"""How hypothesis looks for failures here: by one seed, by another each time in a soak.

By one seed does not mean the same examples: hypothesis also draws on constants
of the modules that are loaded, so a change of code may bring others.
"""

import os

from hypothesis import HealthCheck, Phase, settings

# A soak tries this many times as many histories, other ones each time.
SOAK = int(os.environ.get("HEADWATER_SOAK", "0"))


def effort(examples: int, *, shrink: bool = True) -> settings:
    """Settings for so many examples; without `shrink`, the first failure will do."""
    return settings(
        max_examples=examples * max(1, SOAK),
        deadline=None,
        database=None,
        derandomize=not SOAK,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        suppress_health_check=list(HealthCheck),
    )
