"""The prober sees what it is there to see: with the rule of visibility broken, answers are wrong."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from chaos.memory.catalogue import CATALOGUE, variation
from chaos.memory.simulation import run
from headwater_vectors import visibility

VARIATIONS = 20
# "shown in part" and "is shown in": what the prober says of an answer, not of the end.
SHOWN = "is shown in"


def every_hit(self: Any, leg: Sequence[Any], row_ids: Any, served: Any) -> dict[str, list[Any]]:
    """Judges without the ledger."""
    kept: dict[str, list[Any]] = {}
    for hit in leg:
        kept.setdefault(row_ids[hit.passage.document_id], []).append(hit)
    return kept


BROKEN: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "hits are not held against the ledger": (visibility._Collected, "_served", every_hit),
    "no version is doubted": (visibility.Marks, "covers", lambda self, state: True),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_rule_is_seen(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*BROKEN[what])
    assert any(
        SHOWN in line
        for number in range(VARIATIONS)
        for each in CATALOGUE
        for line in run(variation(each, number), seed=number)
    ), f"unseen through {VARIATIONS} variations of {len(CATALOGUE)} histories"
