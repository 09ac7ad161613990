"""What makes each alert fire, and end: series in steps of minutes, and when to look."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater_kit.bus.topics import PARTITIONS
from headwater_observability.alerts import Severity
from headwater_observability.promql import promql


@dataclass(frozen=True, slots=True)
class Case:
    """All is well, then it is not, then it is again: the alert is silent, fires, and is silent.

    `series` maps selectors to values in promtool's words; `silent`, `fires` and
    `reset` are minutes; `labels` are those of the firing alert, its severity aside. A value stands for `step` minutes.
    """

    series: Mapping[str, str]
    silent: int
    fires: int
    reset: int
    labels: Mapping[str, str] = field(default_factory=dict)
    step: int = 1


def _of(selectors: Mapping[str, str]) -> dict[str, str]:
    return {promql(selector): values for selector, values in selectors.items()}


def _labels(**labels: str) -> dict[str, str]:
    return {promql(f"${name}") if name.isupper() else name: value for name, value in labels.items()}


def _calls(method: str, code: str, part: str = "count", le: str = "") -> str:
    bucket = f', le="{le}"' if le else ""
    return f'$RPC_SERVER_DURATION_{part}{{$RPC_METHOD="/headwater.{method}", $RPC_STATUS_CODE="{code}"{bucket}}}'


_EMBED = '$BUS_GROUP="embed", $BUS_TOPIC="chunks.v1"'
_IN_EMBED = _labels(BUS_GROUP="embed", BUS_TOPIC="chunks.v1")
_EMBED_POISON = f'{_EMBED}, $ERROR_REASON="POISON"'

_WHOLE = f"{PARTITIONS}x10"

CASES: dict[str, Case] = {
    "ServiceDown": Case(
        {'up{job="headwater", service="embed", instance="a"}': "1x10 0x10 1x10"},
        10,
        14,
        22,
        {"job": "headwater", "service": "embed", "instance": "a"},
    ),
    "ServiceNotServing": Case(
        _of({'$SERVICE_SERVING{service="embed", instance="a"}': "1x10 0x10 1x10"}),
        10,
        14,
        22,
        {"service": "embed", "instance": "a"},
    ),
    "PartitionStanding": Case(
        _of({f'$BUS_PARTITIONS{{{_EMBED}, $BUS_PARTITION_STATE="standing"}}': "0x10 1x10 0x10"}),
        10,
        13,
        22,
        _IN_EMBED,
    ),
    "PartitionUnassigned": Case(
        # A rebalance of two minutes is none.
        _of({f'$BUS_PARTITIONS{{{_EMBED}, $BUS_PARTITION_STATE="flowing"}}': f"{_WHOLE} 4x1 {_WHOLE} 4x10 {_WHOLE}"}),
        15,
        31,
        37,
        _IN_EMBED,
    ),
    "LagOld": Case(
        _of(
            {
                f'$BUS_LAG_AGE{{{_EMBED}, $BUS_PARTITION="2"}}': "1x10 90x10 1x10",
                '$BUS_LAG_AGE{$BUS_GROUP="embed-backfill", $BUS_PARTITION="2"}': "900x30",
            }
        ),
        10,
        17,
        22,
        _IN_EMBED,
    ),
    "LagGrowing": Case(
        _of({f'$BUS_LAG{{{_EMBED}, $BUS_PARTITION="2"}}': "0x30 0+100x90 0x60"}),
        30,
        80,
        140,
        _IN_EMBED,
    ),
    "DeadLetters": Case(
        # Its first one makes the series.
        _of({f"$BUS_DEAD_LETTERS{{{_EMBED_POISON}}}": "_x11 1x40"}),
        10,
        12,
        30,
        _IN_EMBED | _labels(ERROR_REASON="POISON"),
    ),
    "RecordsRetried": Case(
        _of({f"$BUS_RETRIES{{{_EMBED_POISON}}}": "0x20 0+30x30 900x30"}),
        20,
        40,
        60,
        _IN_EMBED | _labels(ERROR_REASON="POISON"),
    ),
    "RecordsLost": Case(
        _of({'$BUS_LOST{$BUS_TOPIC="impressions.v1", $ERROR_REASON="FULL"}': "5x20 9x40"}),
        20,
        22,
        40,
        _labels(BUS_TOPIC="impressions.v1", ERROR_REASON="FULL"),
    ),
    "IndexDrift": Case(
        _of({'$INDEX_DRIFT{$INDEX_DRIFT_KIND="missing", instance="a"}': "0x10 3x20 0x10"}),
        10,
        25,
        32,
        _labels(INDEX_DRIFT_KIND="missing"),
    ),
    "CanaryFails": Case(
        _of({'$CANARY_SINCE_SUCCESS{instance="a"}': "10x10 30+60x10 5x10"}),
        10,
        16,
        22,
        {"instance": "a"},
    ),
    "SearchLegMissing": Case(
        _of(
            {
                '$RETRIEVE_SEARCHES{$RETRIEVE_SOURCE="ranked"}': "0+60x60",
                '$RETRIEVE_MISSING_LEGS{$RETRIEVE_LEG="dense"}': "0x20 0+6x20 120x20",
            }
        ),
        20,
        38,
        55,
        _labels(RETRIEVE_LEG="dense"),
    ),
    "CallsRefused": Case(
        _of(
            {
                _calls("Search", "OK"): "0+60x60",
                _calls("Search", "RESOURCE_EXHAUSTED"): "0x20 0+30x20 600x20",
            }
        ),
        20,
        38,
        55,
        _labels(RPC_METHOD="/headwater.Search"),
    ),
    "GuardBlocks": Case(
        _of(
            {
                '$GUARD_VERDICTS{$GUARD_STAGE="input", $GUARD_VERDICT="allow"}': "0+60x90",
                '$GUARD_VERDICTS{$GUARD_STAGE="input", $GUARD_VERDICT="block"}': "0x20 0+60x30 1800x40",
            }
        ),
        20,
        45,
        75,
        _labels(GUARD_STAGE="input"),
    ),
    "VectorsNotKept": Case(
        _of({'$EMBED_CACHE_LOST{$ERROR_REASON="FULL"}': "0x20 0+5x30 150x40"}),
        20,
        45,
        80,
        _labels(ERROR_REASON="FULL"),
    ),
    "ModelRolledBack": Case(
        _of({'$FEEDBACK_GATE_DECISIONS{$GATE_DECISION="rolled_back", $LEARNED_COMPONENT="ranker"}': "_x11 1x120"}),
        10,
        12,
        100,
        _labels(LEARNED_COMPONENT="ranker"),
    ),
    "GateSilent": Case(
        # Two a minute, and for a day and more no decision after the first.
        _of(
            {
                "$FEEDBACK_EXAMPLES": "0+20x440",
                '$FEEDBACK_GATE_DECISIONS{$GATE_DECISION="promoted"}': "0x120 1x190 2x130",
            }
        ),
        2000,
        2900,
        3200,
        step=10,
    ),
    "ModelRefused": Case(
        _of({'$BUS_PASSED_OVER{$BUS_TOPIC="models.v1", $ERROR_REASON="UNSIGNED", service="retrieve"}': "_x11 1x120"}),
        10,
        12,
        100,
        _labels(service="retrieve", ERROR_REASON="UNSIGNED"),
    ),
    "FeedbackQuarantined": Case(
        _of(
            {
                '$BUS_DONE{$BUS_GROUP="feedback", $BUS_TOPIC="feedback.v1"}': "0+10x300",
                '$FEEDBACK_QUARANTINED{$ERROR_REASON="FLOOD"}': "0x60 0+9x120 1080x120",
            }
        ),
        60,
        160,
        290,
    ),
}


_GOOD, _BAD, _ALL = "0+60x300 18000x90 18000+60x420", "0x300 0+60x90 5400x420", "0+60x810"

_SEARCH, _ANSWER = "retrieve.v1.RetrieveService/Search", "generate.v1.GenerateService/Answer"
# Of each objective: 60 events a minute, for an hour and a half of which each one is bad.
BURNS: dict[str, Mapping[str, str]] = {
    "search-availability": _of({_calls(_SEARCH, "OK"): _GOOD, _calls(_SEARCH, "UNAVAILABLE"): _BAD}),
    "search-latency": _of({_calls(_SEARCH, "OK"): _ALL, _calls(_SEARCH, "OK", "bucket", "0.5"): _GOOD}),
    "answer-availability": _of({_calls(_ANSWER, "OK"): _GOOD, _calls(_ANSWER, "INTERNAL"): _BAD}),
    "answer-latency": _of({_calls(_ANSWER, "OK"): _ALL, _calls(_ANSWER, "OK", "bucket", "10.0"): _GOOD}),
    "freshness": _of(
        {
            '$RETRIEVE_FRESHNESS_count{$LANE="live"}': _ALL,
            '$RETRIEVE_FRESHNESS_bucket{$LANE="live", le="5.0"}': _GOOD,
            '$RETRIEVE_FRESHNESS_count{$LANE="backfill"}': _ALL,
        }
    ),
    "delivery": _of({f"$BUS_DONE{{{_EMBED}}}": _ALL, f"$BUS_DEAD_LETTERS{{{_EMBED_POISON}}}": _BAD}),
}
# Both alerts of an objective fire in the bad time. Soon after it nobody need be woken any more, and hours later
# nothing is left to look into.
BURN_CHECKS: Mapping[int, tuple[Severity, ...]] = {
    290: (),
    385: (Severity.PAGE, Severity.TICKET),
    445: (Severity.TICKET,),
    800: (),
}
