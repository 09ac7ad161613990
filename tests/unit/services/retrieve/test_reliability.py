"""A leg that cannot read the query does not drag the other down."""

import pytest
from headwater_retrieve.domain import reliability
from headwater_retrieve.domain.fusion import Fusion, Leg, Weights
from headwater_retrieve.domain.reliability import ANY_SCRIPT, Reliability, kind_of, readable_share, weigh
from unit.services.retrieve.test_fusion import hit

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


def leg(peak: float) -> Leg:
    """A hundred hits, the first of which stands out so far."""
    hits = [hit("first", peak), *(hit(f"d{number}", number / 1_000) for number in range(99))]
    made = Leg.of(hits, Fusion.SCORES)
    return Leg(made.hits, made.places, {**made.credit, "first-1": peak})


def share(weights: Weights) -> float:
    return weights.dense / (weights.dense + weights.lexical)


def ask(judge: Reliability, dense: float, lexical: float, text: str = "wo ist das Museum", tenant: str = "a") -> float:
    return share(judge.weigh(text, tenant, leg(dense), leg(lexical)))


def test_one_search_changes_nothing_and_many_do() -> None:
    judge = Reliability(Weights(0.55, 0.45))
    assert ask(judge, 5.0, 8.0) == pytest.approx(0.55)
    shares = [ask(judge, 5.0, 8.0) for _ in range(2_000)]
    assert shares[-1] == pytest.approx(0.3)
    assert shares == sorted(shares, reverse=True)


def test_a_leg_that_shows_more_counts_more_whichever_it_is() -> None:
    words, meaning = Reliability(), Reliability()
    assert [ask(words, 4.0, 8.0) for _ in range(100)][-1] < 0.5 < [ask(meaning, 8.0, 4.0) for _ in range(100)][-1]


def test_what_a_tenants_corpus_or_a_script_shows_is_its_own() -> None:
    judge = Reliability(scripts=frozenset({ANY_SCRIPT}))
    for _ in range(200):
        ask(judge, 5.0, 8.0, "战国无双是由谁开发的")
    assert ask(judge, 6.0, 6.0, "where is the museum") == ask(judge, 6.0, 6.0, "战国无双", tenant="b")
    assert ask(judge, 5.0, 8.0, "战国无双") < 0.4


def test_a_corpus_that_changes_is_learned_anew() -> None:
    judge = Reliability(Weights(0.5, 0.5))
    for _ in range(5_000):
        ask(judge, 4.0, 8.0)
    for _ in range(5_000):
        ask(judge, 6.0, 6.0)
    assert ask(judge, 6.0, 6.0) == pytest.approx(0.5)


def test_fixed_weights_stay_as_set() -> None:
    judge = Reliability(Weights(0.7, 0.3), is_estimated=False)
    assert [ask(judge, 2.0, 9.0) for _ in range(100)][-1] == pytest.approx(0.7)


def test_a_search_without_the_dense_leg_teaches_nothing() -> None:
    judge = Reliability(Weights(0.5, 0.5))
    for _ in range(200):
        judge.weigh("museum", "a", Leg((), {}, {}), leg(8.0))
    assert ask(judge, 6.0, 6.0, "museum") == pytest.approx(0.5)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reliability, "MAX_KINDS", 3)
    judge = Reliability()
    for number in range(10):
        ask(judge, 5.0, 8.0, tenant=f"t{number}")
    assert len(judge._seen) == 3


@pytest.mark.parametrize(
    ("text", "script"), [("what is 战国", "latin"), ("战国无双 3", "cjk"), ("3.11", ""), ("Где музей", "cyrillic")]
)
def test_a_questions_script_is_that_of_most_letters(text: str, script: str) -> None:
    assert kind_of("a", text).script == script
