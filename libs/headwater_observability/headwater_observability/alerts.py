"""What is wrong whatever the objectives say: one table of alerts."""

from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.bus.topics import PARTITIONS

from headwater_observability.promql import promql


class Severity(StrEnum):
    """Whether somebody is woken, or looks at it in the next working hours."""

    PAGE = "page"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: fires once `expr` has given something for `minutes`; `runbook` is a page of `docs/runbooks`.

    Metrics and labels go by their declarations, as in `promql`, in the summary too.
    """

    name: str
    severity: Severity
    minutes: int
    expr: str
    summary: str
    runbook: str

    @property
    def query(self) -> str:
        """The expression as Prometheus takes it."""
        return promql(self.expr)

    @property
    def said(self) -> str:
        """The summary as Prometheus takes it."""
        return promql(self.summary)


_GROUP = "$BUS_GROUP, $BUS_TOPIC"
_LIVE = '$BUS_GROUP!~".*-backfill"'


def _happened(counter: str, by: str, window: str) -> str:
    """Whether a counter grew. A series that was not there before has grown from nothing, which `increase` misses."""
    return (
        f"sum by ({by}) (increase({counter}[{window}])) > 0 "
        f"or sum by ({by}) ({counter} unless {counter} offset {window}) > 0"
    )


ALERTS = (
    Alert(
        "ServiceDown",
        Severity.PAGE,
        2,
        'up{job="headwater"} == 0',
        "{{ $labels.service }} at {{ $labels.instance }} does not answer at all.",
        "service-down",
    ),
    Alert(
        "ServiceNotServing",
        Severity.PAGE,
        2,
        "$SERVICE_SERVING == 0",
        "{{ $labels.service }} at {{ $labels.instance }} runs and says that it cannot serve.",
        "service-not-serving",
    ),
    Alert(
        "PartitionStanding",
        Severity.PAGE,
        1,
        f'sum by ({_GROUP}) ($BUS_PARTITIONS{{$BUS_PARTITION_STATE="standing"}}) > 0',
        "{{ $value }} partitions of {{ $labels.$BUS_TOPIC }} stand: too many of their records could not be processed.",
        "partition-standing",
    ),
    Alert(
        "PartitionUnassigned",
        Severity.PAGE,
        5,
        f"sum by ({_GROUP}) ($BUS_PARTITIONS) < {PARTITIONS}",
        f"Only {{{{ $value }}}} of {PARTITIONS} partitions of {{{{ $labels.$BUS_TOPIC }}}} are read.",
        "partition-unassigned",
    ),
    Alert(
        "LagOld",
        Severity.PAGE,
        5,
        f"max by ({_GROUP}) ($BUS_LAG_AGE{{{_LIVE}}}) > 60",
        "A record of {{ $labels.$BUS_TOPIC }} has been under way for {{ $value | humanizeDuration }}.",
        "lag",
    ),
    Alert(
        "LagGrowing",
        Severity.TICKET,
        30,
        f"sum by ({_GROUP}) ($BUS_LAG{{{_LIVE}}}) > 1000 and sum by ({_GROUP}) (delta($BUS_LAG{{{_LIVE}}}[30m])) > 0",
        "{{ $labels.$BUS_GROUP }} is {{ $value }} records behind and falls further back.",
        "lag",
    ),
    Alert(
        "DeadLetters",
        Severity.TICKET,
        0,
        _happened("$BUS_DEAD_LETTERS", f"{_GROUP}, $ERROR_REASON", "15m"),
        "Records of {{ $labels.$BUS_TOPIC }} were put aside: {{ $labels.$ERROR_REASON }}.",
        "dead-letters",
    ),
    Alert(
        "RecordsRetried",
        Severity.TICKET,
        10,
        f"sum by ({_GROUP}, $ERROR_REASON) (rate($BUS_RETRIES[5m])) > 0.1",
        "{{ $labels.$BUS_GROUP }} keeps trying: {{ $labels.$ERROR_REASON }}.",
        "records-retried",
    ),
    Alert(
        "RecordsLost",
        Severity.TICKET,
        0,
        _happened("$BUS_LOST", "$BUS_TOPIC, $ERROR_REASON", "15m"),
        "Records for {{ $labels.$BUS_TOPIC }} were not kept: {{ $labels.$ERROR_REASON }}.",
        "records-lost",
    ),
    Alert(
        "IndexDrift",
        Severity.TICKET,
        10,
        "max by ($INDEX_DRIFT_KIND) ($INDEX_DRIFT) > 0",
        "{{ $value }} documents of the index differ from the log: {{ $labels.$INDEX_DRIFT_KIND }}.",
        "index-drift",
    ),
    Alert(
        "CanaryFails",
        Severity.PAGE,
        2,
        "$CANARY_SINCE_SUCCESS > 120",
        "No written document was found by a search for {{ $value | humanizeDuration }}.",
        "canary-fails",
    ),
    Alert(
        "SearchLegMissing",
        Severity.TICKET,
        10,
        "sum by ($RETRIEVE_LEG) (rate($RETRIEVE_MISSING_LEGS[5m])) "
        "> on () group_left () 0.01 * sum(rate($RETRIEVE_SEARCHES[5m]))",
        "Searches go without {{ $labels.$RETRIEVE_LEG }}, and find less.",
        "search-leg-missing",
    ),
    Alert(
        "CallsRefused",
        Severity.TICKET,
        10,
        'sum by ($RPC_METHOD) (rate($RPC_SERVER_DURATION_count{$RPC_STATUS_CODE="RESOURCE_EXHAUSTED"}[5m])) '
        "> 0.05 * sum by ($RPC_METHOD) (rate($RPC_SERVER_DURATION_count[5m]))",
        "More than 5 % of {{ $labels.$RPC_METHOD }} are refused: too much at once, or over a quota.",
        "calls-refused",
    ),
    Alert(
        "GuardBlocks",
        Severity.TICKET,
        15,
        'sum by ($GUARD_STAGE) (rate($GUARD_VERDICTS{$GUARD_VERDICT=~"block|quarantine"}[15m])) '
        "> 0.2 * sum by ($GUARD_STAGE) (rate($GUARD_VERDICTS[15m]))",
        "The guard stops more than a fifth of what it checks: {{ $labels.$GUARD_STAGE }}.",
        "guard-blocks",
    ),
    Alert(
        "VectorsNotKept",
        Severity.TICKET,
        15,
        "sum by ($ERROR_REASON) (rate($EMBED_CACHE_LOST[15m])) > 0",
        "Vectors are not kept on disk and will be computed again: {{ $labels.$ERROR_REASON }}.",
        "vectors-not-kept",
    ),
    Alert(
        "ModelRolledBack",
        Severity.TICKET,
        0,
        _happened('$FEEDBACK_GATE_DECISIONS{$GATE_DECISION="rolled_back"}', "$LEARNED_COMPONENT", "1h"),
        "A learned {{ $labels.$LEARNED_COMPONENT }} was taken back.",
        "model-rolled-back",
    ),
    Alert(
        "GateSilent",
        Severity.TICKET,
        60,
        "sum(increase($FEEDBACK_EXAMPLES[1d])) > 1000 unless sum(increase($FEEDBACK_GATE_DECISIONS[1d])) > 0",
        "{{ $value | humanize }} examples were learned from in a day and no model was decided about.",
        "gate-silent",
    ),
    Alert(
        "ModelRefused",
        Severity.TICKET,
        0,
        _happened('$BUS_PASSED_OVER{$BUS_TOPIC="models.v1"}', "service, $ERROR_REASON", "1h"),
        "{{ $labels.service }} refused a learned model: {{ $labels.$ERROR_REASON }}.",
        "model-refused",
    ),
    Alert(
        "FeedbackQuarantined",
        Severity.TICKET,
        30,
        'sum(rate($FEEDBACK_QUARANTINED[1h])) > 0.5 * sum(rate($BUS_DONE{$BUS_TOPIC="feedback.v1"}[1h]))',
        "More than half of the reactions have no effect.",
        "feedback-quarantined",
    ),
)
