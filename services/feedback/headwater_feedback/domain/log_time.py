"""How far the log has come in time, which is what tells whether more may come from before."""

from headwater_kit.core.clock import Clock

# A partition of which nothing came for so long holds nothing that is to be read: its time is the clock's.
IDLE_SECONDS = 5.0


class LogTime:
    """The time of each partition: that of its latest record while records come, else the clock's.

    So that after an outage no list is closed before the reactions that wait in
    the log were read. A record's time is its producer's word: none is believed
    to come from the future, or one clock that is ahead would close everybody's
    lists early. Owned by one task.
    """

    def __init__(self, clock: Clock, idle_seconds: float = IDLE_SECONDS) -> None:
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._latest: dict[int, float] = {}
        self._read_at: dict[int, float] = {}
        self._began = clock.monotonic()

    def restart(self) -> None:
        """Partitions came or went: what is left of them is yet to be read."""
        self._latest, self._read_at, self._began = {}, {}, self._clock.monotonic()

    def read(self, partition: int, time: float) -> float:
        """A record of this time, in seconds since the epoch, was taken in; returns it as far as believed."""
        believed = min(time, self._clock.now())
        self._latest[partition] = max(believed, self._latest.get(partition, believed))
        self._read_at[partition] = self._clock.monotonic()
        return believed

    def now(self, partition: int) -> float:
        """Seconds since the epoch; 0.0 where something is yet to be read and nothing was."""
        idle = self._clock.monotonic() - self._read_at.get(partition, self._began)
        return self._clock.now() if idle >= self._idle_seconds else self._latest.get(partition, 0.0)
