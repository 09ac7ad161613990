"""Learning: what comes in, what the gates make of it, what serves."""

from headwater_observability.dashboards import panels
from headwater_observability.dashboards.board import Board, Kind, Panel, Query, Row

_MODEL = "$TENANT, $LEARNED_COMPONENT, $LEARNED_STAGE"

LEARNING = Board(
    "headwater-learning",
    "Headwater: learning",
    (
        Row(
            "What comes in",
            (
                panels.rate(
                    "Joined",
                    "$BUS_DONE",
                    "Records of the feedback group a second.",
                    "$BUS_TOPIC",
                    '$BUS_GROUP="feedback"',
                ),
                panels.rate("Examples", "$FEEDBACK_EXAMPLES", "Examples learned from a second."),
                panels.rate(
                    "Quarantined", "$FEEDBACK_QUARANTINED", "Reactions without effect, by reason.", "$ERROR_REASON"
                ),
            ),
        ),
        Row(
            "What the gates make of it",
            (
                Panel(
                    "Decisions",
                    (
                        Query(
                            "sum by ($LEARNED_COMPONENT, $GATE_DECISION) (increase($FEEDBACK_GATE_DECISIONS[1h]))",
                            "{{$LEARNED_COMPONENT}} {{$GATE_DECISION}}",
                        ),
                    ),
                    "In an hour, by component.",
                    width=12,
                ),
                panels.number(
                    "Rolled back, 7 d",
                    'sum(increase($FEEDBACK_GATE_DECISIONS{$GATE_DECISION="rolled_back"}[7d])) or vector(0)',
                    "Models that were taken back.",
                    bad=1,
                ),
                panels.number(
                    "Refused, 7 d",
                    'sum(increase($BUS_PASSED_OVER{$BUS_TOPIC="models.v1"}[7d])) or vector(0)',
                    "Models that a service did not take.",
                    bad=1,
                ),
            ),
        ),
        Row(
            "What serves",
            (
                Panel(
                    "Snapshots",
                    (
                        Query(
                            f"max by ({_MODEL}, $LEARNED_SNAPSHOT) ($RETRIEVE_LEARNED)",
                            "",
                        ),
                    ),
                    "By tenant and component; stage exploit serves, the others are compared with it.",
                    kind=Kind.TABLE,
                    width=16,
                ),
                Panel(
                    "Replicas that differ",
                    (
                        Query(
                            f"count by ({_MODEL}) (count by ({_MODEL}, $LEARNED_SNAPSHOT) ($RETRIEVE_LEARNED)) > 1",
                            "{{$TENANT}} {{$LEARNED_COMPONENT}}",
                        ),
                    ),
                    "More than one snapshot of one component at once: for seconds after a change, and never for long.",
                ),
            ),
        ),
    ),
)
