"""One seed on a running platform: writes, searches and faults for a while, then the verdict."""

import random
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from chaos.corpus import Story, chosen
from chaos.faults import LONG, POINTS, Breaker, Fault
from chaos.following import Follower
from chaos.platform import LOOK_SECONDS, Platform
from chaos.probing import Prober
from chaos.producing import SteadyProducer
from chaos.report import Report, told
from chaos.verifying import Verifier
from chaos.workload import Workload

# How long the next fault waits for the recovery from the last one.
PATIENCE_SECONDS = 8.0
QUIET_SECONDS = 120.0
CALM_START_SECONDS = 1.5
PAUSES_SECONDS = (0.3, 1.5)
# Below this, time is left for no further fault.
LAST_SECONDS = 5.0
# So long after the last fault there is a write that was sent after it.
FRESH_SECONDS = 1.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one ordeal is made of; `seconds` from the first write to the last, `per_second` writes."""

    seed: int
    seconds: float
    faults: Sequence[str]
    stories: Sequence[Story]
    points: Sequence[str] = POINTS
    per_second: float = 10.0
    documents: int = 120
    poison: float = 0.01
    fresh: float = 0.35
    backfill: bool = True


@dataclass(slots=True)
class Ordeal:
    """Runs once."""

    platform: Platform
    terms: Terms
    say: Say
    rng: random.Random = field(init=False)
    tenant: str = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.terms.seed)
        # Apart from what another run of this seed left on this platform.
        self.tenant = f"chaos-{self.terms.seed}-{uuid.uuid4().hex[:6]}"

    def run(self) -> Report:
        """Writes, breaks, waits, verifies."""
        records, terms = self.platform.records, self.terms
        verifier = Verifier(records, self.platform.milvus_uri, self.tenant)
        follower = Follower(records)
        producer = SteadyProducer(records.bootstrap, iter(self._workload()), terms.per_second)
        with ExitStack() as stack:
            client = stack.enter_context(self.platform.client(self.tenant))
            prober = Prober(client, self.tenant, lambda: _known(producer), follower, random.Random(terms.seed))
            for thread, end in ((follower, follower.stop), (prober, prober.stop), (producer, producer.halt)):
                thread.start()
                stack.callback(end)
            report = Report(terms.seed, terms.seconds, tuple(terms.faults))
            faults = self._break(producer, follower)
            producer.stop()
            self.say(f"waiting for quiet, up to {QUIET_SECONDS:.0f} s")
            quiet_from = time.monotonic()
            report.unquiet = verifier.wait_quiet(QUIET_SECONDS)
            report.quiescence_seconds = round(time.monotonic() - quiet_from, 1)
            prober.stop()
            report.probed(prober)
            for fault, began_at, was_seen in faults:
                report.struck(fault, began_at, recovery(fault, producer, follower))
                if not was_seen:
                    self.say(f"late: {report.lines[-1].lstrip()}")
        if report.not_struck:
            self.say(f"asked for, and never came up in {terms.seconds:.0f} s: {', '.join(report.not_struck)}")
        report.sent(producer)
        report.found(verifier.findings(producer.places()))
        return report

    def _workload(self) -> Workload:
        terms = self.terms
        stories = chosen(terms.stories, terms.documents, self.rng)
        rng = random.Random(self.rng.random())
        return Workload(self.tenant, stories, rng, backfill=terms.backfill, poison=terms.poison, fresh=terms.fresh)

    def _break(self, producer: SteadyProducer, follower: Follower) -> list[tuple[Fault, float, bool]]:
        """The faults that were, when all began, and whether the recovery was seen and told at once."""
        began_at = time.monotonic()
        until = began_at + self.terms.seconds
        breaker = Breaker(self.platform, self.rng, *_lasting(self.terms.seconds), self.terms.points)
        possible = [kind for kind in self.terms.faults if LONG.get(kind, 0.0) <= self.terms.seconds / 2]
        kinds: list[str] = []
        time.sleep(CALM_START_SECONDS)
        faults: list[tuple[Fault, float, bool]] = []
        while possible and time.monotonic() < until - LAST_SECONDS:
            # Each kind once before any comes again.
            kinds = kinds or self.rng.sample(possible, len(possible))
            fault = breaker.inflict(kinds.pop())
            recovered = self._await_recovery(fault, producer, follower, until)
            faults.append((fault, began_at, recovered is not None))
            self.say(told(fault, began_at, recovered))
            time.sleep(self.rng.uniform(*PAUSES_SECONDS))
        time.sleep(max(0.0, until - time.monotonic()))
        return faults

    def _await_recovery(self, fault: Fault, producer: SteadyProducer, follower: Follower, until: float) -> float | None:
        """As `recovery`, waited for; a late one is left to be found afterwards, and the next fault comes on top."""
        now = time.monotonic()
        deadline = max(now + FRESH_SECONDS, min(now + PATIENCE_SECONDS, until))
        while (seconds := recovery(fault, producer, follower)) is None and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        return seconds


def recovery(fault: Fault, producer: SteadyProducer, follower: Follower) -> float | None:
    """Seconds from the fault's end until a write that was fresh then was indexed; None as long as it is not."""
    fresh = producer.first_since(fault.over_at)
    heard_at = None if fresh is None else follower.heard_at.get((fresh.partition, fresh.offset))
    return None if heard_at is None else heard_at - fault.over_at


def _known(producer: SteadyProducer) -> list[str]:
    """Documents that were written lately or long ago, by id."""
    log = producer.log
    keys = {entry.write.key.decode() for entry in log[-300:] if entry.write.key}
    return sorted(key.partition("\x1f")[2] for key in keys)


def _lasting(seconds: float) -> tuple[float, float]:
    """How long faults that last go on at least and at most: 5 to 30 s in runs that are long enough for it."""
    return min(5.0, seconds / 8), min(30.0, seconds / 5)
