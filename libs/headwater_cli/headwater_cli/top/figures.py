"""What a look at the platform tells, in plain figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater_kit.bus.topics import GROUPS
from headwater_kit.telemetry import names
from headwater_kit.telemetry.faults import FAULTS

from headwater_cli.top.intervals import Interval, labelled
from headwater_cli.top.scraping import SERVICE, Snapshot

HITS = ("memory", "disk")


@dataclass(frozen=True, slots=True)
class Service:
    """A service: `state` is serving, not serving or away."""

    name: str
    state: str
    version: str
    in_flight: int


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one method: how many a second, which share went wrong, and how long they took, in seconds."""

    service: str
    method: str
    per_second: float
    errors: float
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Stage:
    """A consumer group at a topic. `lag` in records, `lag_seconds` the age of the oldest under way.

    `waiting` records were taken and no handler is at them; handlers are `at_work`
    on so many of `capacity`. `dead_letters` counts what came in the life of the
    process, `retries` how many come a second.
    """

    group: str
    topic: str
    per_second: float
    lag: int
    lag_seconds: float
    waiting: int
    at_work: int
    capacity: int
    paused: int
    standing: int
    dead_letters: int
    retries: float


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache: which share of the asked it had, of how many a second; None where nobody asked."""

    name: str
    hits: float | None
    per_second: float


@dataclass(frozen=True, slots=True)
class Learned:
    """A learned model that serves (stage exploit), or is compared."""

    tenant: str
    component: str
    snapshot: str
    stage: str


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it. Counts are since the services began, rates and times of the last interval."""

    time: float
    seconds: float
    services: Sequence[Service]
    calls: Sequence[Calls]
    stages: Sequence[Stage]
    fresh_p50: float | None
    fresh_p99: float | None
    fresh_per_second: float
    caches: Sequence[Cache]
    outcomes: Mapping[str, int]
    answers: Mapping[str, int]
    verdicts: Mapping[str, int]
    tokens: Mapping[str, float]
    cost: float
    drift: int
    dead_letters: Mapping[str, int]
    learned: Sequence[Learned]
    decisions: Mapping[str, int]


def figures(interval: Interval, services: Sequence[str]) -> Figures:
    """What an interval tells of these services."""
    now = interval.after
    live = labelled(names.LANE, "live")
    return Figures(
        time=now.time,
        seconds=interval.seconds,
        services=[_service(now, name) for name in services],
        calls=_calls(interval),
        stages=_stages(interval),
        fresh_p50=interval.quantile(names.RETRIEVE_FRESHNESS, 0.5, **live),
        fresh_p99=interval.quantile(names.RETRIEVE_FRESHNESS, 0.99, **live),
        fresh_per_second=sum(interval.rates(names.RETRIEVE_FRESHNESS, part="_count", **live).values()),
        caches=_caches(interval),
        outcomes=_counts(now, names.INGEST_DOCUMENTS, names.INGEST_OUTCOME),
        answers=_counts(now, names.GENERATE_ANSWERS, names.GENERATE_OUTCOME),
        verdicts=_counts(now, names.GUARD_VERDICTS, names.GUARD_VERDICT),
        tokens={kind: rate for (kind,), rate in interval.rates(names.EMBED_TOKENS, names.EMBED_LANE).items()},
        cost=sum(now.sums(names.GENERATE_COST).values()),
        drift=int(sum(now.sums(names.INDEX_DRIFT).values())),
        dead_letters=_counts(now, names.BUS_DEAD_LETTERS, names.ERROR_REASON),
        learned=_learned(now),
        decisions=_counts(now, names.FEEDBACK_GATE_DECISIONS, names.GATE_DECISION),
    )


def _service(now: Snapshot, name: str) -> Service:
    if name not in now.answered:
        return Service(name, "away", "", 0)
    serving = now.sums(names.SERVICE_SERVING, service=name).get((), 0.0)
    versions = [labels.get("service_version", "") for labels, _ in now.of("target_info", service=name)]
    in_flight = int(now.sums(names.RPC_SERVER_IN_FLIGHT, service=name).get((), 0.0))
    return Service(name, "serving" if serving else "not serving", "".join(versions[:1]), in_flight)


def _calls(interval: Interval) -> list[Calls]:
    by = (SERVICE, names.RPC_METHOD, names.RPC_STATUS_CODE)
    rates = interval.rates(names.RPC_SERVER_DURATION, *by, part="_count")
    found = []
    for service, method in sorted({(service, method) for service, method, _ in rates}):
        of = {code: rate for (at, name, code), rate in rates.items() if (at, name) == (service, method)}
        total = sum(of.values())
        wrong = sum(rate for code, rate in of.items() if code in FAULTS)
        which = {SERVICE: service, **labelled(names.RPC_METHOD, method)}
        p50, p99 = (interval.quantile(names.RPC_SERVER_DURATION, share, **which) for share in (0.5, 0.99))
        found.append(Calls(service, method.rpartition("/")[2], total, wrong / total if total else 0.0, p50, p99))
    return sorted(found, key=lambda each: (-each.per_second, each.service, each.method))


def _stages(interval: Interval) -> list[Stage]:
    return [_stage(interval, group, topic.name) for group, topics in GROUPS.items() for topic in topics]


def _stage(interval: Interval, group: str, topic: str) -> Stage:
    now, which = interval.after, labelled(names.BUS_GROUP, group) | labelled(names.BUS_TOPIC, topic)

    def total(declared: names.Metric) -> float:
        return sum(now.sums(declared, **which).values())

    states = now.sums(names.BUS_PARTITIONS, names.BUS_PARTITION_STATE, **which)
    ages = now.sums(names.BUS_LAG_AGE, SERVICE, names.BUS_PARTITION, **which)
    at_work = int(total(names.BUS_AT_WORK))
    return Stage(
        group=group,
        topic=topic,
        per_second=sum(interval.rates(names.BUS_DONE, **which).values()),
        lag=int(total(names.BUS_LAG)),
        lag_seconds=max(ages.values(), default=0.0),
        waiting=max(0, int(total(names.BUS_IN_FLIGHT)) - at_work),
        at_work=at_work,
        capacity=int(total(names.BUS_CAPACITY)),
        paused=int(states.get(("paused",), 0.0)),
        standing=int(states.get(("standing",), 0.0)),
        dead_letters=int(total(names.BUS_DEAD_LETTERS)),
        retries=sum(interval.rates(names.BUS_RETRIES, **which).values()),
    )


def _caches(interval: Interval) -> list[Cache]:
    kept = (names.EMBED_TEXTS, names.EMBED_SOURCE, HITS, "vectors of texts")
    lists = (names.RETRIEVE_SEARCHES, names.RETRIEVE_SOURCE, ("kept",), "ranked lists")
    found = []
    for declared, attribute, hits, name in (kept, lists):
        rates = interval.rates(declared, attribute)
        total = sum(rates.values())
        had = sum(rate for (source,), rate in rates.items() if source in hits)
        found.append(Cache(name, had / total if total else None, total))
    return found


def _counts(now: Snapshot, declared: names.Metric, attribute: str) -> dict[str, int]:
    counted = now.sums(declared, attribute)
    return {key: int(value) for (key,), value in sorted(counted.items(), key=lambda each: -each[1]) if value}


def _learned(now: Snapshot) -> list[Learned]:
    by = (names.TENANT, names.LEARNED_COMPONENT, names.LEARNED_SNAPSHOT, names.LEARNED_STAGE)
    return [Learned(*key) for key in sorted(now.sums(names.RETRIEVE_LEARNED, *by))]
