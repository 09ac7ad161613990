"""Work at a low rate."""

from headwater_kit.core.clock import Clock

# Of a page that took this long, most was waiting for the store, which costs nobody anything.
MAX_REST_SECONDS = 5.0


class Pace:
    """Rests after each piece of work, so that working takes no more than `share` of the time; 1.0 means no rest."""

    def __init__(self, clock: Clock, share: float) -> None:
        self._clock = clock
        self._share = share
        self._began = clock.monotonic()

    async def rest(self) -> None:
        """To be called after each piece of work."""
        if self._share < 1.0:
            worked = self._clock.monotonic() - self._began
            await self._clock.sleep(min(MAX_REST_SECONDS, worked * (1.0 / self._share - 1.0)))
        self._began = self._clock.monotonic()
