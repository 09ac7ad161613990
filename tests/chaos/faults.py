"""What goes wrong: each kind of fault, begun, kept up and ended."""

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
from chaos.members import Storm
from chaos.platform import ENGINES, LOOK_SECONDS, SERVICES, Platform
from headwater_kit.core.crash import POINTS as ALL_POINTS

# A return within this is a return; later ones are reported as not at all.
RETURN_SECONDS = 60.0
WRITERS = ("ingest", "embed", "index")
# Those that keep something on their disk: the ledger's cache, and the tables of joins.
KEEPERS = ("ingest", "feedback")
GROUPS = {"ingest": "documents.v1", "embed": "chunks.v1", "index": "embeddings.v1"}
ARMED = "HEADWATER_CRASH_AT"
# The points that the writers come by as long as nothing is rebuilt, reindexed, repaired or kept apart.
_PASSED = ("bus.", "table.", "sender.", "backfill.", "ingest.", "embed.", "vectors.", "index.")
_NOT_PASSED = (
    *("index.rebuild_", "index.reindex_", "index.companion_", "index.repair_"),
    *("ingest.object_", "ingest.repairing"),
)
POINTS = tuple(name for name in ALL_POINTS if name.startswith(_PASSED) and not name.startswith(_NOT_PASSED))
# Some points are passed at each record, some once in a life.
PASSES = (1, 1, 2, 3, 7, 20)
# A second process needs so long until it is a member; a stopped one is no member any more after ten seconds, its
# session's; then both work for a while.
TWIN_START_SECONDS = 5.0
EXPELLED_SECONDS = 13.0
TOGETHER_SECONDS = 2.0
LEAVE_SECONDS = 8.0
TWIN = "twin"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that was: its kind, whom it met, and when it was over, in monotonic seconds.

    Of a killed service that is the moment of the kill, of an engine that of its return.
    """

    kind: str
    target: str
    began_at: float
    over_at: float


@dataclass(frozen=True, slots=True)
class Breaker:
    """Breaks one platform, by chance; `longest` is what a fault that lasts may take at most, in seconds."""

    platform: Platform
    rng: random.Random
    shortest: float
    longest: float
    points: Sequence[str] = POINTS

    def inflict(self, kind: str) -> Fault:
        """One fault of this kind, begun and ended. Raises TimeoutError where a process does not return."""
        began_at = time.monotonic()
        target, over_at = KINDS[kind](self)
        return Fault(kind, target, began_at, over_at)

    def lasting(self) -> float:
        """How long a fault shall last."""
        return self.rng.uniform(self.shortest, self.longest)


Inflicted = tuple[str, float]


def _kill_service(breaker: Breaker) -> Inflicted:
    # The writers twice as often: they have most to lose.
    return _kill(breaker, breaker.rng.choice((*WRITERS, *SERVICES)), since_kill=True)


def _kill_broker(breaker: Breaker) -> Inflicted:
    return _kill(breaker, "kafka", since_kill=False)


def _kill_store(breaker: Breaker) -> Inflicted:
    return _kill(breaker, "milvus", since_kill=False)


def _kill_writers(breaker: Breaker) -> Inflicted:
    killed_at = time.monotonic()
    restart(breaker.platform, WRITERS)
    return "+".join(WRITERS), killed_at


def _kill(breaker: Breaker, name: str, *, since_kill: bool) -> Inflicted:
    platform = breaker.platform
    gone = platform.signal(name, signal.SIGKILL)
    killed_at = time.monotonic()
    platform.wait_until(lambda: platform.is_back(name, gone), RETURN_SECONDS, f"{name}'s return")
    return name, killed_at if since_kill else time.monotonic()


def _stop(breaker: Breaker) -> Inflicted:
    name = breaker.rng.choice((*WRITERS, *WRITERS, *SERVICES, *ENGINES))
    stopped = breaker.platform.signal(name, signal.SIGSTOP)
    time.sleep(breaker.lasting())
    if stopped is not None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(stopped).resume()
    return name, time.monotonic()


def _storm(breaker: Breaker) -> Inflicted:
    storm = Storm(breaker.platform.records, GROUPS)
    storm.start()
    time.sleep(max(breaker.lasting(), 4.0))
    storm.stop()
    missed = sorted(set(GROUPS) - storm.groups_joined)
    return f"{'+'.join(GROUPS)}{f', but nobody got into {missed}' if missed else ''}", time.monotonic()


def _disk(breaker: Breaker) -> Inflicted:
    """No file of a service may grow: what a full disk looks like from within, without the rights to fill one."""
    name = breaker.rng.choice(KEEPERS)
    until = time.monotonic() + breaker.lasting()
    limited: set[int] = set()
    while time.monotonic() < until:
        pid = breaker.platform.pid(name)
        if pid is not None and pid not in limited and _limit_files(pid, 0):
            limited.add(pid)
        time.sleep(LOOK_SECONDS)
    for pid in limited:
        _limit_files(pid, resource.RLIM_INFINITY)
    return name, time.monotonic()


def _zombie(breaker: Breaker) -> Inflicted:
    """Stops a writer until its partitions are another's, who works on; then lets it go on as if nothing had been."""
    name = breaker.rng.choice(("ingest", "index"))
    stopped = breaker.platform.pid(name)
    if stopped is None:
        return f"no {name}", time.monotonic()
    with twin(breaker.platform, stopped, name):
        time.sleep(TWIN_START_SECONDS)
        breaker.platform.signal(name, signal.SIGSTOP)
        time.sleep(EXPELLED_SECONDS)
        taken_over = breaker.platform.records.assigned(name, TWIN)
        with suppress(psutil.NoSuchProcess):
            psutil.Process(stopped).resume()
        over_at = time.monotonic()
        time.sleep(TOGETHER_SECONDS)
    return f"{name}, {taken_over} partitions taken over", over_at


@contextmanager
def twin(platform: Platform, of: int, name: str) -> Iterator[None]:
    """While entered, a second process of a service is a member of its groups, with ports and a folder of its own."""
    original = psutil.Process(of)
    environment = original.environ() | {
        "HEADWATER_GRPC_PORT": "0",
        "HEADWATER_METRICS_PORT": "0",
        "HEADWATER_DATA_DIR": str(platform.root / f"{name}-twin"),
        # Static like the original, or the broker would not let it in. Nor does it say goodbye then: what it leaves is
        # given to others when its session has ended.
        "HEADWATER_KAFKA_GROUP_INSTANCE_ID": TWIN,
    }
    with (platform.root / "logs" / f"{name}-twin.log").open("ab") as log:
        process = subprocess.Popen(original.cmdline(), env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LEAVE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _limit_files(pid: int, size_bytes: int) -> bool:
    try:
        _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, most))
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _cut(breaker: Breaker) -> Inflicted:
    breaker.platform.proxy.cut()
    time.sleep(breaker.lasting())
    breaker.platform.proxy.mend()
    return "services to broker", time.monotonic()


def _crash(breaker: Breaker) -> Inflicted:
    """Arms a point for the next life of the writers, and lets them come by it."""
    platform, passes = breaker.platform, breaker.rng.choice(PASSES)
    point = breaker.rng.choice(breaker.points)
    with armed(platform, f"{point}:{passes}"):
        restart(platform, WRITERS)
        time.sleep(breaker.lasting())
    counted = platform.root.glob(f"*/crash-points/{point}*")
    came_by = any(file.stat().st_size >= passes for file in counted)
    # Disarmed in all, whether they came by or not.
    over_at = time.monotonic()
    restart(platform, WRITERS)
    return f"at pass {passes} of {point}{'' if came_by else ', which nobody came to'}", over_at


@contextmanager
def armed(platform: Platform, spec: str) -> Iterator[None]:
    """What starts meanwhile ends at the crash point."""
    for name in WRITERS:
        # Passes are counted over restarts; those of an earlier arming are not meant.
        shutil.rmtree(platform.root / name / "crash-points", ignore_errors=True)
    platform.set_environment(**{ARMED: spec})
    try:
        yield
    finally:
        platform.set_environment(**{ARMED: ""})


def restart(platform: Platform, names: Sequence[str]) -> None:
    """Kills these and returns once all are back. Raises TimeoutError."""
    gone = {name: platform.signal(name, signal.SIGKILL) for name in names}
    for name, pid in gone.items():
        platform.wait_until(lambda name=name, pid=pid: platform.is_back(name, pid), RETURN_SECONDS, f"{name}'s return")


KINDS: Mapping[str, Callable[[Breaker], Inflicted]] = {
    "kill-service": _kill_service,
    "kill-writers": _kill_writers,
    "kill-broker": _kill_broker,
    "kill-store": _kill_store,
    "stop": _stop,
    "storm": _storm,
    # Only Linux lets one process limit another.
    **({"disk": _disk} if hasattr(resource, "prlimit") else {}),
    "cut": _cut,
    "crash": _crash,
    "zombie": _zombie,
}
# What takes longer than a share of a short run, in seconds.
LONG = {"zombie": TWIN_START_SECONDS + EXPELLED_SECONDS + TOGETHER_SECONDS}
