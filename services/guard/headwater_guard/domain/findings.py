"""Findings, what to do about them, and the text that comes of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from headwater_kit.core.events import Finding, Verdict


class Policy(StrEnum):
    """The policies, by the name that findings carry."""

    LENGTH = "length"
    CONTROL = "control"
    INJECTION = "injection"
    PII = "pii"
    LEAK = "leak"
    CITATION = "citation"
    LINK = "link"


class Action(StrEnum):
    """What a policy's findings lead to."""

    OFF = "off"
    REDACT = "redact"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its reasons; `text` is what to go on with, empty where it is BLOCK or QUARANTINE."""

    verdict: Verdict
    text: str
    findings: tuple[Finding, ...] = ()


def decide(text: str, findings: Sequence[Finding], actions: Mapping[Policy, Action]) -> Decision:
    """The severest of the findings' actions, done; all findings are told."""
    acting = {action: [f for f in findings if actions[Policy(f.policy)] is action] for action in Action}
    told = tuple(sorted((*acting[Action.BLOCK], *acting[Action.REDACT]), key=lambda f: (f.start, f.end)))
    if acting[Action.BLOCK]:
        return Decision(Verdict.BLOCK, "", told)
    if acting[Action.REDACT]:
        return Decision(Verdict.REDACT, redact(text, acting[Action.REDACT]), told)
    return Decision(Verdict.ALLOW, text)


def redact(text: str, findings: Iterable[Finding]) -> str:
    """The text with each finding's span replaced by what its kind says; of overlapping ones the longer counts."""
    pieces: list[str] = []
    end = len(text)
    for finding in sorted(_apart(findings), key=lambda f: -f.start):
        pieces += [text[finding.end : end], _substitute(finding)]
        end = finding.start
    return "".join((text[:end], *reversed(pieces)))


def _apart(findings: Iterable[Finding]) -> list[Finding]:
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda f: f.start - f.end):
        if all(finding.end <= other.start or other.end <= finding.start for other in kept):
            kept.append(finding)
    return kept


def _substitute(finding: Finding) -> str:
    # Only what a reader would miss leaves a mark; control characters and wrong citation numbers just go.
    match finding.policy:
        case Policy.PII:
            return f"[{finding.kind.upper()}]"
        case Policy.LINK:
            return "[LINK REMOVED]"
        case _:
            return ""
