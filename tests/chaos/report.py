"""What a run found, as JSON and in a line."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chaos.faults import Fault
from chaos.probing import Prober
from chaos.producing import SteadyProducer
from chaos.verifying import Findings

# Of each kind, so many sentences of evidence.
SHOWN = 10


@dataclass(slots=True)
class Report:
    """One ordeal's figures. `recovery_seconds` by kind of fault, null where progress did not come back."""

    seed: int
    seconds: float
    faults: tuple[str, ...]
    lost: int = 0
    duplicates: int = 0
    ghosts: int = 0
    mixed: int = 0
    probe_violations: int = 0
    recovery_seconds: dict[str, list[float | None]] = field(default_factory=dict)
    events: int = 0
    documents: int = 0
    poison: int = 0
    dead_letters: int = 0
    dead_letters_missing: int = 0
    dead_letters_unwanted: int = 0
    unlogged: int = 0
    refused: int = 0
    disordered: int = 0
    misreported: int = 0
    searches: int = 0
    absences: int = 0
    search_errors: dict[str, int] = field(default_factory=dict)
    quiescence_seconds: float = 0.0
    unquiet: Sequence[str] = ()
    mutation: str = ""
    evidence: dict[str, Sequence[str]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def struck(self, fault: Fault, began_at: float, recovery: float | None) -> None:
        """Notes a fault and how long recovery took."""
        self.recovery_seconds.setdefault(fault.kind, []).append(None if recovery is None else round(recovery, 2))
        self.lines.append(told(fault, began_at, recovery))

    def probed(self, prober: Prober) -> None:
        """Notes what searches saw."""
        self.searches, self.absences = prober.searches, prober.absences
        self.search_errors = dict(prober.errors)
        self.probe_violations = len(prober.violations)
        self._show("probe_violations", prober.violations)

    def sent(self, producer: SteadyProducer) -> None:
        """Notes what the broker would not take."""
        self.refused = len(producer.refused)
        self._show("refused", producer.refused)

    def found(self, findings: Findings) -> None:
        """Notes what the verifier found."""
        self.events = findings.expected.events
        self.documents = len(findings.expected.texts)
        self.poison = len(findings.expected.poison)
        self.dead_letters = findings.letters
        for kind, sentences in findings.wrong.items():
            setattr(self, kind, len(sentences))
            self._show(kind, sentences)

    @property
    def not_struck(self) -> list[str]:
        """Faults that were asked for and never came up."""
        return [kind for kind in self.faults if kind not in self.recovery_seconds]

    @property
    def violations(self) -> dict[str, int]:
        """What must be 0."""
        kinds = (
            *("lost", "duplicates", "ghosts", "mixed", "probe_violations"),
            *("dead_letters_missing", "dead_letters_unwanted", "unlogged", "refused", "disordered", "misreported"),
        )
        return {kind: getattr(self, kind) for kind in kinds} | {"unquiet": len(self.unquiet)}

    @property
    def is_clean(self) -> bool:
        """Whether nothing was violated."""
        return not any(self.violations.values())

    def line(self) -> str:
        """The verdict in a line."""
        wrong = ", ".join(f"{count} {kind}" for kind, count in self.violations.items() if count) or "nothing wrong"
        return (
            f"seed {self.seed}: {self.events} events of {self.documents} documents, {self.poison} poison, "
            f"{self.searches} searches, quiet after {self.quiescence_seconds} s: {wrong}"
        )

    def as_json(self) -> dict[str, Any]:
        """As it is written."""
        return asdict(self) | {"not_struck": self.not_struck, "clean": self.is_clean}

    def _show(self, kind: str, sentences: Sequence[str]) -> None:
        if sentences:
            self.evidence[kind] = list(sentences[:SHOWN])


def told(fault: Fault, began_at: float, recovery: float | None) -> str:
    """A fault in a line; times from the beginning of the run."""
    progress = "no progress yet" if recovery is None else f"progress after {recovery:.1f} s"
    lasted = fault.over_at - fault.began_at
    return f"{fault.began_at - began_at:6.1f} s  {fault.kind} {fault.target}, {lasted:.1f} s: {progress}"


def to_json(reports: Sequence[Report]) -> str:
    """One run as an object, several as a list under `runs` with the sums beside them."""
    if len(reports) == 1:
        return json.dumps(reports[0].as_json(), indent=2)
    sums = {kind: sum(report.violations[kind] for report in reports) for kind in reports[0].violations}
    recoveries: dict[str, list[float | None]] = defaultdict(list)
    for report in reports:
        for kind, seconds in report.recovery_seconds.items():
            recoveries[kind] += seconds
    whole = {"seeds": [report.seed for report in reports], **sums, "recovery_seconds": recoveries}
    return json.dumps({**whole, "runs": [report.as_json() for report in reports]}, indent=2)
