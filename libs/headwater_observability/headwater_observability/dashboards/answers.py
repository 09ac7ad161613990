"""Answers: how many questions have one, under which guard, and what they cost."""

from headwater_observability.dashboards import panels
from headwater_observability.dashboards.board import Board, Row
from headwater_observability.slos import ANSWER

ANSWERS = Board(
    "headwater-answers",
    "Headwater: answers",
    (
        Row("Questions", panels.calls(ANSWER)),
        Row(
            "What became of them",
            (
                panels.rate("Outcomes", "$GENERATE_ANSWERS", "Answers a second, by outcome.", "$GENERATE_OUTCOME"),
                panels.rate(
                    "By generator",
                    "$GENERATE_ANSWERS",
                    "Who wrote them; extractive stands in for a model that fails.",
                    "$MODEL_ASKED",
                ),
                panels.share(
                    "Without a source",
                    '$GENERATE_ANSWERS{$GENERATE_OUTCOME="no_source"}',
                    "$GENERATE_ANSWERS",
                    "Questions to which the documents hold no answer.",
                ),
            ),
        ),
        Row(
            "Guard",
            (
                panels.rate(
                    "Verdicts",
                    "$GUARD_VERDICTS",
                    "Checks a second, by stage and verdict.",
                    "$GUARD_STAGE, $GUARD_VERDICT",
                ),
                panels.share(
                    "Stopped",
                    '$GUARD_VERDICTS{$GUARD_VERDICT=~"block|quarantine"}',
                    "$GUARD_VERDICTS",
                    "Checks that stopped something, by stage.",
                    "$GUARD_STAGE",
                ),
                panels.quantiles(
                    "Duration",
                    "$RPC_SERVER_DURATION",
                    "The 99th percentile of its checks.",
                    'service="guard"',
                    "$RPC_METHOD",
                ),
            ),
        ),
        Row(
            "Language model",
            (
                panels.rate(
                    "Tokens",
                    "$GENERATE_TOKENS",
                    "Tokens a second, as the endpoint counts them.",
                    "$MODEL_ASKED, $GENERATE_TOKEN_TYPE",
                ),
                panels.rate(
                    "Cost",
                    "$GENERATE_COST",
                    "In a second, in the currency of the settings.",
                    "$MODEL_ASKED",
                    unit="none",
                ),
                panels.number(
                    "Cost, 24 h",
                    "sum(increase($GENERATE_COST[1d]))",
                    "The last day's, in the currency of the settings.",
                ),
            ),
        ),
    ),
)
