"""What users may count on: one table of objectives.

Method: Google, The Site Reliability Workbook, chapter 5: alerts on how fast the
error budget burns, by a long window and a short one.
"""

from dataclasses import dataclass

from headwater_kit.telemetry.faults import FAULTS_PATTERN

from headwater_observability.promql import promql

PERIOD_DAYS = 30
SEARCH = '$RPC_METHOD=~".*RetrieveService/Search"'
ANSWER = '$RPC_METHOD=~".*GenerateService/Answer"'


@dataclass(frozen=True, slots=True)
class Slo:
    """An objective: of the events that `total` counts, at most 1 - `objective` are `bad` within the period.

    Both are queries of a rate over `[WINDOW]`. `runbook` is a page of `docs/runbooks`.
    """

    name: str
    title: str
    objective: float
    bad: str
    total: str
    runbook: str

    @property
    def alert(self) -> str:
        """What its alerts are called."""
        return "".join(word.capitalize() for word in self.name.split("-")) + "Burn"

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return 1.0 - self.objective

    def ratio(self, window: str) -> str:
        """The query of the share of bad events; nothing where there were no events at all."""
        bad, total = (promql(each).replace("[WINDOW]", f"[{window}]") for each in (self.bad, self.total))
        return f"(({bad}) or 0 * ({total})) / (({total}) > 0)"


def _availability(name: str, title: str, calls: str, objective: float) -> Slo:
    return Slo(
        name,
        f"{title} are answered",
        objective,
        f'sum(rate($RPC_SERVER_DURATION_count{{{calls}, $RPC_STATUS_CODE=~"{FAULTS_PATTERN}"}}[WINDOW]))',
        f"sum(rate($RPC_SERVER_DURATION_count{{{calls}}}[WINDOW]))",
        "availability",
    )


def _latency(name: str, title: str, calls: str, seconds: float, objective: float) -> Slo:
    answered = f'{calls}, $RPC_STATUS_CODE="OK"'
    total = f"sum(rate($RPC_SERVER_DURATION_count{{{answered}}}[WINDOW]))"
    quick = f'sum(rate($RPC_SERVER_DURATION_bucket{{{answered}, le="{seconds}"}}[WINDOW]))'
    return Slo(name, f"{title} take at most {seconds:g} s", objective, f"{total} - {quick}", total, "latency")


_FRESH_TOTAL = 'sum(rate($RETRIEVE_FRESHNESS_count{$LANE="live"}[WINDOW]))'
_FRESH_SECONDS = 5.0

SLOS = (
    _availability("search-availability", "searches", SEARCH, 0.999),
    _latency("search-latency", "searches", SEARCH, 0.5, 0.99),
    _availability("answer-availability", "questions", ANSWER, 0.995),
    _latency("answer-latency", "answers", ANSWER, 10.0, 0.95),
    Slo(
        "freshness",
        f"live edits are found within {_FRESH_SECONDS:g} s",
        0.99,
        f'{_FRESH_TOTAL} - sum(rate($RETRIEVE_FRESHNESS_bucket{{$LANE="live", le="{_FRESH_SECONDS}"}}[WINDOW]))',
        _FRESH_TOTAL,
        "freshness",
    ),
    Slo(
        "delivery",
        "records are processed and not put aside",
        0.999,
        "sum(rate($BUS_DEAD_LETTERS[WINDOW]))",
        "sum(rate($BUS_DONE[WINDOW]))",
        "dead-letters",
    ),
)
