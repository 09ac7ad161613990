"""Whether a joiner that is killed again and again learns the same as one that is left alone, as JSON.

    python bench/joining.py [--impressions 10000] [--kills 20] [--reference FILE]

Two runs, each on a broker of its own with the feedback service alone: the same
lists, answers and reactions, of which some come early, some after the list was
closed, some twice, and some from who may not react. In the second run the
service is killed (signal 9) `--kills` times while they come in and lists are
closed. Compared is the last revision of each example in `training.v1`, times
counted from each run's beginning. With `--reference` the first run is left out if the
file is there, and noted in it if not.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from headwater_cli.platform import engines
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import running
from headwater_cli.platform.ports import PortLeases
from headwater_cli.settings import PlatformSettings, inherited
from headwater_feedback.settings import Settings
from headwater_kit.bus import topics
from headwater_kit.bus.factory import open_bus
from headwater_kit.bus.ports import Bus, Outbound, Reader
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.impressions import (
    FeedbackJoined,
    TrainingRecorded,
)
from laptop import machine, say
from reactions import Sent, story

CLOSE_SECONDS = 20
# Produced faster than they are joined, so that kills find work; and not all at once.
A_SECOND = 400
# Nothing new for so long after all was produced and closed: it is over.
QUIET_SECONDS = 8.0
PATIENCE_SECONDS = 60.0
SEPARATOR = "\x1f"


class Service:
    """The feedback service as a process, started again under the name that has its partitions."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._log = folder / "feedback.log"
        self._env = {
            **inherited(),
            "HEADWATER_KAFKA_BOOTSTRAP": bootstrap,
            "HEADWATER_KAFKA_GROUP_INSTANCE_ID": "feedback-0",
            "HEADWATER_DATA_DIR": str(folder),
            "HEADWATER_GRPC_PORT": "0",
            "HEADWATER_METRICS_PORT": "0",
            "HEADWATER_FEEDBACK_CLOSE_SECONDS": str(CLOSE_SECONDS),
            "HEADWATER_FEEDBACK_EXPIRE_SECONDS": "0.5",
            "HEADWATER_FEEDBACK_IDLE_SECONDS": "2",
        }
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headwater_feedback"], env=self._env, stdout=log, stderr=log
            )

    def kill(self) -> None:
        if self._process.poll() is not None:
            raise SystemExit(f"the service ended by itself: see {self._log}")
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Training:
    """What stands in `training.v1`: the last revision of each example, by its key without the revision."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._revisions: dict[str, int] = {}
        self.last: dict[str, bytes] = {}
        self.records = 0

    async def follow(self) -> None:
        while True:
            for record in await self._reader.poll(1_000, 0.2):
                self._note((record.key or b"").decode(), record.value or b"")
                self.records += 1

    def _note(self, key: str, value: bytes) -> None:
        *name, feedback_id, revision = [*key.split(SEPARATOR), "0"][:5]
        example = SEPARATOR.join((*name, feedback_id))
        if int(revision) >= self._revisions.get(example, 0):
            self._revisions[example], self.last[example] = int(revision), value

    def closed(self) -> int:
        return sum(key.endswith(SEPARATOR) for key in self.last)

    async def grow(self, seconds: float) -> None:
        """Waits for one more record, so long at most."""
        before = self.records
        for _ in range(round(seconds / 0.05)):
            if self.records > before:
                return
            await asyncio.sleep(0.05)

    async def end(self, lists: int) -> float:
        """Waits until all lists are closed and nothing follows; seconds from the beginning until the last record.

        Gives up when nothing comes any more.
        """
        began = last = time.monotonic()
        known = -1
        while self.closed() < lists or time.monotonic() - last < QUIET_SECONDS:
            if self.records != known:
                known, last = self.records, time.monotonic()
            if time.monotonic() - last > PATIENCE_SECONDS:
                raise SystemExit(f"{self.closed()} of {lists} lists are closed, and no more in {PATIENCE_SECONDS:g} s")
            await asyncio.sleep(0.2)
        return last - began


def digests(training: Mapping[str, bytes], base: int) -> dict[str, str]:
    """What each key says, with times counted from `base`."""
    return {key: hashlib.sha256(repr(_relative(value, base)).encode()).hexdigest() for key, value in training.items()}


def _relative(value: bytes, base: int) -> object:
    example = decode(TrainingRecorded, value).example
    shown = replace(example.impression, show_time=example.impression.show_time - base)
    if isinstance(example, FeedbackJoined):
        said = replace(example.feedback, time=example.feedback.time - base)
        return replace(example, impression=shown, feedback=said)
    return replace(example, impression=shown, close_time=example.close_time - base)


async def produce(bus: Bus, records: Sequence[Sent]) -> None:
    """In their order, at an even pace."""
    producer, began = bus.producer(), time.monotonic()
    for start in range(0, len(records), 50):
        portion = records[start : start + 50]
        await asyncio.gather(
            *(producer.send(Outbound(one.topic, one.impression_id.encode(), encode(one.event))) for one in portion)
        )
        await asyncio.sleep(max(0.0, began + start / A_SECOND - time.monotonic()))
    await producer.close()


async def run(bootstrap: str, arguments: argparse.Namespace, kills: int, folder: Path) -> dict[str, object]:
    """One run: its digests, and how it went."""
    bus = open_bus(Settings(kafka_bootstrap=bootstrap), SystemClock())
    await bus.create_topics([topics.IMPRESSIONS.name, topics.ANSWERS.name, topics.FEEDBACK.name, topics.TRAINING.name])
    training = Training(bus.reader(topics.TRAINING.name))
    service = Service(bootstrap, folder)
    try:
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(training.follow())
            await asyncio.sleep(4.0)  # until it runs, so that the first lists are not late
            base = int(time.time())
            records = story(arguments.impressions, base, arguments.seed)
            producing = tasks.create_task(produce(bus, records))
            await _killed(service, training, kills, random.Random(arguments.seed))
            await producing
            seconds = await training.end(arguments.impressions)
            following.cancel()
    finally:
        service.kill()
    say(f"{len(training.last)} examples in {training.records} records")
    return {
        "digests": digests(training.last, base),
        "records": training.records,
        "events": len(records),
        "kills": kills,
        "seconds_after_the_last_event": round(seconds, 1),
    }


async def _killed(service: Service, training: Training, kills: int, rng: random.Random) -> None:
    """Each time after something was written, if that comes in time, and so in the midst of work."""
    for number in range(kills):
        await training.grow(20.0)
        await asyncio.sleep(rng.uniform(0.0, 1.5))
        service.kill()
        say(f"killed {number + 1} times, {training.records} examples, {training.closed()} lists closed")
        service.start()


def on_a_broker(arguments: argparse.Namespace, kills: int) -> dict[str, object]:
    """A run on a broker of its own."""
    leases = PortLeases()
    with tempfile.TemporaryDirectory() as name:
        layout = Layout(Path(name))
        program = engines.broker(layout, leases, PlatformSettings().java_home)
        with running(program, inherited()) as bootstrap:
            found = asyncio.run(run(bootstrap, arguments, kills, Path(name)))
    leases.release()
    return found


def reference(arguments: argparse.Namespace) -> dict[str, object]:
    """The run without kills, from the file if it is there."""
    file: Path | None = arguments.reference
    if file and file.exists():
        return dict(json.loads(file.read_text()))
    found = on_a_broker(arguments, 0)
    if file:
        file.write_text(json.dumps(found))
    return found


def compared(clean: Mapping[str, object], killed: Mapping[str, object]) -> dict[str, object]:
    """How many examples differ, and how the runs went."""
    one, other = dict(clean["digests"]), dict(killed["digests"])  # type: ignore[call-overload]
    return {
        "examples": len(one),
        "missing": len(one.keys() - other.keys()),
        "surplus": len(other.keys() - one.keys()),
        "different": sum(one[key] != other[key] for key in one.keys() & other.keys()),
        "clean": {name: value for name, value in clean.items() if name != "digests"},
        "killed": {name: value for name, value in killed.items() if name != "digests"},
    }


def main() -> None:
    """Reads the command line, runs, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--impressions", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reference", type=Path)
    arguments = parser.parse_args()
    before = machine()
    found = compared(reference(arguments), on_a_broker(arguments, arguments.kills))
    print(json.dumps({"machine": before, "impressions": arguments.impressions, **found}, indent=2))
    if found["missing"] or found["surplus"] or found["different"]:
        raise SystemExit("the killed joiner learned something else")


if __name__ == "__main__":
    main()
