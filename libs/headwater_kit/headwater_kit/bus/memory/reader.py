"""Reader of the in-process broker."""

from collections.abc import Mapping, Sequence

from headwater_kit.bus.memory.broker import MemoryBroker
from headwater_kit.bus.ports import Record


class MemoryReader:
    """All partitions of a topic, outside any group."""

    def __init__(self, broker: MemoryBroker, topic: str, start: Mapping[int, int]) -> None:
        self._broker = broker
        self._topic = topic
        self._positions = {source.partition: start.get(source.partition, 0) for source in broker.sources(topic)}

    async def end_offsets(self) -> Mapping[int, int]:
        """As `Reader.end_offsets`."""
        self._broker.check_reachable()
        return {number: len(log) for number, log in enumerate(self._logs())}

    async def offsets_at(self, time_seconds: float) -> Mapping[int, int]:
        """As `Reader.offsets_at`."""
        self._broker.check_reachable()
        return {number: _first_at(time_seconds, log) for number, log in enumerate(self._logs())}

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Record]:
        """As `Reader.poll`; the timeout runs on the broker's clock."""
        self._broker.check_reachable()
        records = self._take(max_records)
        if not records:
            await self._broker.wait(timeout_seconds)
            self._broker.check_reachable()
            records = self._take(max_records)
        return records

    async def positions(self) -> Mapping[int, int]:
        """As `Reader.positions`."""
        return dict(self._positions)

    async def close(self) -> None:
        """As `Reader.close`."""

    def _logs(self) -> list[list[Record]]:
        return self._broker.log(self._topic).partitions

    def _take(self, max_records: int) -> list[Record]:
        taken: list[Record] = []
        for number, log in enumerate(self._logs()):
            start = self._positions[number]
            records = log[start : start + max_records - len(taken)]
            self._positions[number] += len(records)
            taken += records
        return taken


def _first_at(time_seconds: float, log: Sequence[Record]) -> int:
    """Times count to the millisecond, as in a broker."""
    return next((record.offset for record in log if round((record.timestamp - time_seconds) * 1000) >= 0), len(log))
