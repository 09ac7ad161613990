"""Searches: how quick, by what, and what they go without."""

from headwater_observability.dashboards import panels
from headwater_observability.dashboards.board import Board, Row
from headwater_observability.slos import SEARCH

RETRIEVAL = Board(
    "headwater-retrieval",
    "Headwater: retrieval",
    (
        Row("Searches", panels.calls(SEARCH)),
        Row(
            "How a list is made",
            (
                panels.share(
                    "Lists kept",
                    '$RETRIEVE_SEARCHES{$RETRIEVE_SOURCE="kept"}',
                    "$RETRIEVE_SEARCHES",
                    "Searches that were answered from a list ranked before.",
                ),
                panels.rate(
                    "Missing legs", "$RETRIEVE_MISSING_LEGS", "Searches that went without a leg.", "$RETRIEVE_LEG"
                ),
                panels.rate(
                    "Reranked",
                    "$RETRIEVE_RERANKS",
                    "Searches whose order was in doubt, by whether it was read again.",
                    "$RETRIEVE_STAGE_RAN",
                ),
            ),
        ),
        Row(
            "Query vectors",
            (
                panels.quantiles(
                    "Embedding a query", "$EMBED_DURATION", "Time in embed, waiting included.", '$EMBED_LANE="query"'
                ),
                panels.level("Waiting for an encoder", "$EMBED_QUEUED", "Tokens, by lane.", "$EMBED_LANE"),
                panels.quantiles("Reranking", "$EMBED_RERANK_DURATION", "Time to score the passages of a query."),
            ),
        ),
        Row(
            "Peers",
            (
                panels.quantiles(
                    "Calls to peers",
                    "$RPC_CLIENT_DURATION",
                    "The 99th percentile as retrieve sees it.",
                    'service="retrieve"',
                    "$RPC_METHOD",
                ),
                panels.rate("Impressions lost", "$BUS_LOST", "Lists shown that were not noted.", "$ERROR_REASON"),
                panels.quantiles("Freshness", "$RETRIEVE_FRESHNESS", "Of live edits.", '$LANE="live"'),
            ),
        ),
    ),
)
