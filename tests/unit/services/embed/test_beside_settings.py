"""Which encoders may stand beside the first."""

from pathlib import Path

import pytest
from headwater_embed.settings import Settings
from headwater_kit.core.errors import Misconfigured


def specs(folder: Path, beside: str) -> list[str]:
    settings = Settings(model_dir=folder, encoder="hash-words", encoders_beside=beside)
    return [spec.name for spec in settings.beside_specs()]


def test_they_are_the_registry_s_in_their_order(tmp_path: Path) -> None:
    assert specs(tmp_path, "hash-grams, bge-small-en-v1.5-int8") == ["hash-grams", "bge-small-en-v1.5-int8"]
    assert specs(tmp_path, "") == []


@pytest.mark.parametrize(
    ("beside", "why"),
    [
        ("hash-words", "HEADWATER_ENCODER does"),
        ("english", "stands for"),
        ("hash-overlap", "reranker"),
        ("unheard-of", "choose one of"),
    ],
)
def test_what_cannot_stand_beside_is_refused_by_name(tmp_path: Path, beside: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        specs(tmp_path, beside)
