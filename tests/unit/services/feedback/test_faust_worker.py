"""What the Faust worker shows of what it holds, over an app without a broker."""

import asyncio
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from faust.types import TP
from headwater_feedback.adapters.faust_worker import FaustWorker
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.telemetry import names
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.measuring import measuring

PLACE, END = TP(topics.FEEDBACK.name, 0), 100


class App:
    """What the worker uses of a Faust app."""

    rebalancing = False

    def __init__(self, folder: Path) -> None:
        self.conf = SimpleNamespace(datadir=folder)
        self.tables = SimpleNamespace(recovery=SimpleNamespace(in_recovery=False))
        self.assigned: set[TP] = set()
        self.asked: list[set[TP]] = []
        self.consumer = SimpleNamespace(assignment=self._assignment, highwater=lambda _: END)
        self.on_rebalance_complete = SimpleNamespace(connect=self._connect)
        self.rebalanced: Any = None
        self.run: Any = None
        self.started = asyncio.Event()

    def topic(self, *_: object, **__: object) -> None:
        """Its agent's topics."""

    def agent(self, *_: object, **__: object) -> Any:
        return lambda run: setattr(self, "run", run)

    def _assignment(self) -> set[TP]:
        self.asked.append(self.assigned)
        return self.assigned

    def _connect(self, heard: Any) -> None:
        self.rebalanced = heard

    async def start(self) -> None:
        self.started.set()


class Attempting:
    """Brings records to an end where they may."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.ratio = SimpleNamespace(standing=())

    async def outcome(self, *_: object) -> Any:
        await self.may_end.wait()
        return SimpleNamespace(outputs=())


class Rig:
    """A worker with its partition."""

    def __init__(self, folder: Path) -> None:
        self.app, self.attempts, self.clock = App(folder), Attempting(), ManualClock()
        parts: list[Any] = [self.app, self.attempts, None, self.clock]
        self.worker = FaustWorker(*parts)
        self.worker.on_rebalance(lambda: None)

    async def start(self) -> None:
        self.app.assigned = {PLACE}
        await self.worker.start()

    def take(self, offset: int) -> asyncio.Task[None]:
        """Gives the agent a record."""
        message = Record(PLACE.topic, PLACE.partition, offset, b"i", b"", {}, 0.0)
        event = SimpleNamespace(message=message, ack=lambda: None)

        async def events() -> Any:
            yield event

        stream = SimpleNamespace(noack=lambda: SimpleNamespace(events=events))
        return asyncio.create_task(cast(Any, self.app.run(stream)))


async def test_nothing_is_shown_before_the_worker_has_its_partitions(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with measuring() as measured:
        starting = asyncio.create_task(rig.worker.start())
        await rig.app.started.wait()
        asked = len(rig.app.asked)
        assert measured.points(names.BUS_LAG) == []
        assert len(rig.app.asked) == asked
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting


async def test_a_record_that_is_broken_off_is_in_flight_no_longer(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with measuring() as measured:
        await rig.start()
        task = rig.take(7)
        await asyncio.sleep(0)
        assert measured.by(names.BUS_IN_FLIGHT, names.BUS_TOPIC) == {PLACE.topic: 1.0}
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert measured.by(names.BUS_IN_FLIGHT, names.BUS_TOPIC) == {}
        assert measured.by(names.BUS_AT_WORK, names.BUS_TOPIC) == {}


async def test_a_partition_that_comes_back_does_not_lag_from_where_it_was_left(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.attempts.may_end.set()
    with measuring() as measured:
        await rig.start()
        await rig.take(7)
        assert measured.by(names.BUS_LAG, names.BUS_TOPIC) == {PLACE.topic: END - 8.0}
        for assigned in (set[TP](), {PLACE}):
            rig.app.assigned = assigned
            await rig.app.rebalanced()
        assert measured.by(names.BUS_LAG, names.BUS_TOPIC) == {}
