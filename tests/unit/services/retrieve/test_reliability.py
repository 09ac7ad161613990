"""A leg that cannot read the query does not drag the other down."""

import pytest
from headwater_retrieve.domain.fusion import Weights
from headwater_retrieve.domain.reliability import readable_share, weigh

LATIN = frozenset({"latin"})
DEFAULT = Weights(dense=0.7, lexical=0.3)


@pytest.mark.parametrize(
    ("text", "share"),
    [("plain English", 1.0), ("naïve café", 1.0), ("战国无双", 0.0), ("ω-force", 5 / 6), ("3.11 + 4", 1.0), ("", 1.0)],
)
def test_readable_share(text: str, share: float) -> None:
    assert readable_share(text, LATIN) == pytest.approx(share)


def test_english_keeps_the_default_weights() -> None:
    assert weigh("how does a list grow?", DEFAULT, LATIN) == DEFAULT


@pytest.mark.parametrize("text", ["《战国无双3》是由谁开发的？", "Где находится музей?", "ユーザーの設定"])
def test_the_encoder_is_blind_for_scripts_it_never_saw(text: str) -> None:
    assert weigh(text, DEFAULT, LATIN) == Weights(dense=0.0, lexical=0.3)


def test_a_mixed_query_leans_on_the_words() -> None:
    mixed = weigh("Python 列表推导式", DEFAULT, LATIN)
    assert 0.0 < mixed.dense < DEFAULT.dense
    assert mixed.lexical == DEFAULT.lexical


def test_a_multilingual_encoder_reads_everything() -> None:
    assert weigh("战国无双", DEFAULT, frozenset({"any"})) == DEFAULT


@pytest.mark.parametrize("text", ["\x00", "\u0378", "🙂", "\ud800"])
def test_letters_without_a_name_do_not_break_it(text: str) -> None:
    assert 0.0 <= readable_share(text, LATIN) <= 1.0
