"""Known ways to give a language model orders that are not its owner's.

Patterns catch the known attacks cheaply and let benign talk about ignoring or
instructions pass; a new family of attacks passes too. They are one layer:
what protects is that passages are marked as data and that the generator has no
tools.
"""

from collections.abc import Sequence

from headwater_kit.core.events import Finding

from headwater_guard.domain.attacks import ADDRESSED, EXFILTRATE, FORGED, HINT, OVERRIDE, PERSONA, REVEAL, Rule
from headwater_guard.domain.findings import Policy
from headwater_guard.domain.text import Span, normalise, sentences

# What a question may not hold, and what a passage may not.
IN_QUESTIONS = (OVERRIDE, REVEAL, PERSONA, FORGED)
IN_PASSAGES = (*IN_QUESTIONS, ADDRESSED, EXFILTRATE)


def find(text: str, rules: Sequence[Rule]) -> list[Finding]:
    """The sentences in which a rule sees an attack, and pairs of neighbours where it takes both to see it."""
    found: list[Finding] = []
    before, before_text = Span(0, 0), ""
    for span in sentences(text):
        normal = normalise(text[span.start : span.end])
        hits = _match(normal, rules, span)
        # An instruction may be split over two sentences or lines to slip through.
        if not hits and before_text and not (found and found[-1].end == before.end):
            hits = _match(f"{before_text} {normal}", rules, Span(before.start, span.end))
        found += hits
        before, before_text = span, normal
    return found


def _match(normal: str, rules: Sequence[Rule], span: Span) -> list[Finding]:
    if not HINT.search(normal):
        return []
    return [Finding(Policy.INJECTION, rule.kind, span.start, span.end) for rule in rules if rule.pattern.search(normal)]
