"""Policies on a text's form: its length and characters that a reader does not see."""

import re

from headwater_kit.core.events import Finding

from headwater_guard.domain.findings import Policy

# Characters that make a text read otherwise than it is stored: controls, overrides of the writing direction
# (CVE-2021-42574), and tag characters, which spell hidden ASCII that language models read.
_UNSEEN = {
    "control": re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+"),
    "direction": re.compile("[\u202a-\u202e\u2066-\u2069]+"),
    "tag": re.compile("[\U000e0000-\U000e007f]+"),
    "surrogate": re.compile("[\ud800-\udfff]+"),
}


def too_long(text: str, max_characters: int) -> list[Finding]:
    """One finding over what is too much."""
    return [Finding(Policy.LENGTH, "too_long", max_characters, len(text))] if len(text) > max_characters else []


def unseen(text: str) -> list[Finding]:
    """Runs of characters that are not seen; tab and line ends are."""
    return [
        Finding(Policy.CONTROL, kind, match.start(), match.end())
        for kind, pattern in _UNSEEN.items()
        for match in pattern.finditer(text)
    ]
