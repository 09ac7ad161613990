"""The simpler questions in a question, by rules: its sentences, and what begins anew behind a conjunction."""

import re
from collections.abc import Sequence

from headwater_kit.core.rewriting import Turn
from headwater_text.sentences import split_sentences

from headwater_generate.domain.conversation import stand_alone
from headwater_generate.domain.words import terms

MAX_PARTS = 4

_ASKS = "what|who|whom|whose|when|where|which|why|how|is|are|was|were|does|do|did|can|could|should|will|would|has|have"
_JOINT = re.compile(
    rf"\s*[,;]?\s+(?:and|or|but|as well as)\s+(?=(?:(?:in|at|for|from|by|to|on|of)\s+)?(?:{_ASKS})\b)"
    r"|\s*[;；]\s*|[，,]\s*(?=以及|并且|而且|还有|另外)",
    re.IGNORECASE,
)


def parts(question: str, history: Sequence[Turn] = ()) -> tuple[str, ...]:
    """At most 4 parts, each made to stand alone after those before it; none where there is but one."""
    pieces = [piece.strip(" ,，") for one in split_sentences(question) for piece in _JOINT.split(one.text)]
    asked = [piece for piece in pieces if terms(piece)]
    if len(asked) < 2:
        return ()
    turns = [*history, *map(Turn, asked)]
    return tuple(stand_alone(piece, turns[: len(history) + place]) for place, piece in enumerate(asked[:MAX_PARTS]))
