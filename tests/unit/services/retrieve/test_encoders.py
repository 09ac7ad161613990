"""Several encoders' opinions as one leg."""

import random

import pytest
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.domain.encoders import SERVED, EncoderHits, Encoders, scripts_of
from headwater_retrieve.domain.fusion import Fusion, Leg
from headwater_retrieve.domain.reliability import ANY_SCRIPT, Reliability
from headwater_retrieve.handlers import Asked, Ranker
from headwater_vectors.ports import Hit, Legs
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.passages import passage

LATIN, ANY = frozenset({"latin"}), frozenset({ANY_SCRIPT})
ENGLISH, CHINESE = "how does a list grow", "列表如何增长"
Found = tuple[Hit, ...]
NAMES = [f"d{number}" for number in range(20)]


def hits(*names: str, step: float = 0.01) -> tuple[Hit, ...]:
    """Nearest first; the first one stands out."""
    scores = [0.9, *(0.5 - step * place for place in range(len(names) - 1))]
    return tuple(Hit(passage(name, name), score) for name, score in zip(names, scores, strict=True))


def first(right: str) -> tuple[Hit, ...]:
    return hits(right, *(name for name in NAMES if name != right))


def asked(
    encoders: Encoders, served: tuple[Hit, ...], beside: tuple[Hit, ...], words: tuple[Hit, ...], text: str = ENGLISH
):
    found = [EncoderHits(SERVED, served, LATIN), EncoderHits("other", beside, ANY)]
    return encoders.merge(text, "acme", found, Leg.of(words, Fusion.SCORES), Fusion.SCORES)


def test_before_anything_was_asked_all_count_alike() -> None:
    shares = asked(Encoders(), first("d1"), first("d1"), first("d1")).shares
    assert shares[SERVED] == pytest.approx(0.5)


def test_who_agrees_with_the_others_comes_to_count_more_and_who_does_not_next_to_nothing() -> None:
    encoders, rng = Encoders(), random.Random(1)
    for _ in range(60):
        right, wrong = rng.sample(NAMES, 2)
        meaning = asked(encoders, first(right), first(wrong), first(right))
    assert meaning.shares[SERVED] >= 0.9
    for _ in range(300):
        right, wrong = rng.sample(NAMES, 2)
        meaning = asked(encoders, first(wrong), first(right), first(right))
    assert meaning.shares["other"] >= 0.9


def test_what_is_learned_of_one_script_and_tenant_says_nothing_of_others() -> None:
    encoders, rng = Encoders(), random.Random(1)
    for _ in range(60):
        right, wrong = rng.sample(NAMES, 2)
        asked(encoders, first(right), first(wrong), first(right))
    found = [EncoderHits(SERVED, first("d1"), ANY), EncoderHits("other", first("d1"), ANY)]
    words = Leg.of(first("d1"), Fusion.SCORES)
    for tenant, text in (("globex", ENGLISH), ("acme", CHINESE)):
        shares = encoders.merge(text, tenant, found, words, Fusion.SCORES).shares
        assert shares[SERVED] == pytest.approx(0.5)


def test_an_encoder_that_was_not_heard_has_no_say() -> None:
    meaning = asked(Encoders(), (), first("d3"), first("d1"), CHINESE)
    assert (meaning.shares, meaning.scripts, meaning.main) == ({"other": 1.0}, ANY, first("d3"))
    # Nothing of it is shown as the served encoder's.
    assert not meaning.leg.places


def test_letters_that_an_encoder_cannot_read_take_from_its_share() -> None:
    half = "list 列表列表"
    shares = asked(Encoders(), first("d1"), first("d1"), first("d1"), half).shares
    assert shares[SERVED] < 0.3


def test_of_an_encoder_whose_entry_says_nothing_nothing_is_supposed() -> None:
    assert (scripts_of(()), scripts_of(("latin",))) == (ANY, LATIN)


@given(st.lists(st.permutations(NAMES), min_size=3, max_size=3), st.integers(1, 20))
def test_two_encoders_that_find_the_same_are_one(orders: list[list[str]], depth: int) -> None:
    clock = ManualClock()
    served, words = hits(*orders[0][:depth]), hits(*orders[1][:depth])
    alone = Ranker(Reliability(), clock=clock)
    beside = Ranker(Reliability(), clock=clock)
    for _ in range(3):
        one, _ = alone.fuse(Asked(ENGLISH, "acme"), Legs(served, words))
        both, report = beside.fuse(Asked(ENGLISH, "acme"), Legs(served, words), [EncoderHits("twin", served, LATIN)])
        assert [(each.passage, pytest.approx(each.fused)) for each in both] == [
            (each.passage, each.fused) for each in one
        ]
    assert report.figures["share.twin"] == pytest.approx(0.5)
    assert {rank for each in both for _, rank in each.beside} == set(range(1, depth + 1))


def test_an_encoder_that_is_blind_for_a_question_changes_nothing() -> None:
    clock = ManualClock()
    alone, _ = Ranker(Reliability(), clock=clock).fuse(Asked(ENGLISH, "acme"), Legs(first("d1"), first("d2")))
    blind = [EncoderHits("cyrillic", (), frozenset({"cyrillic"}))]
    beside, _ = Ranker(Reliability(), clock=clock).fuse(Asked(ENGLISH, "acme"), Legs(first("d1"), first("d2")), blind)
    assert [(each.passage, each.fused) for each in beside] == [(each.passage, each.fused) for each in alone]


def test_words_count_more_beside_an_encoder_of_which_nothing_is_known() -> None:
    question, words = Asked(CHINESE, "acme"), first("d2")
    ranker = Ranker(Reliability(scripts=ANY), clock=ManualClock())
    _, served = ranker.fuse(question, Legs(first("d1"), words), [EncoderHits("other")])
    _, alone = Ranker(Reliability(), clock=ManualClock()).fuse(
        question, Legs((), words), [EncoderHits("other", first("d1"))]
    )
    assert 0.2 < alone.figures["dense_share"] < 0.8 * served.figures["dense_share"]
