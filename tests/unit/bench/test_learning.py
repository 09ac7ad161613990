"""The bench of learning: that its users are the published ones, and that what it counts is what happened."""

import asyncio
import importlib
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

labelled = importlib.import_module("labelled")
click_models = importlib.import_module("click_models")
simulated = importlib.import_module("simulated")
attackers = importlib.import_module("attackers")
streams = importlib.import_module("streams")
lambdarank = importlib.import_module("lambdarank")

WORDS = ("apple", "berry", "cherry", "damson", "elder", "fig")


class Encoder:
    """A direction a word: enough for questions to be near their passages."""

    card = SimpleNamespace(model_id="words", passage_prefix="", query_prefix="")

    def tokenize(self, text: str) -> tuple[list[int], bool]:
        return [sum(map(ord, word)) % 16 for word in text.lower().split()], False

    def encode(self, tokens: list[list[int]]) -> np.ndarray:
        counts = np.array([[each.count(number) + 0.01 for number in range(16)] for each in tokens], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def world(tmp_path: Path) -> object:
    """Two passages a word; the second is what a question about the word wants."""
    texts = {f"{word}{place}": f"{word} {word} {'tree' if place else word}" for word in WORDS for place in (0, 1)}
    passages = {name: labelled.passage(name, text) for name, text in texts.items()}
    questions = {word: f"what is {word}" for word in WORDS}
    relevant = {word: {f"{word}1": 1} for word in WORDS}
    return simulated.World(labelled.Labelled(passages, questions, relevant), Encoder(), tmp_path)


def clicked(model: str, grades: tuple[int, ...], times: int = 4_000) -> list[float]:
    rng, counts = random.Random(1), [0] * len(grades)
    for _ in range(times):
        for rank in click_models.BINARY[model].clicks(grades, rng):
            counts[rank - 1] += 1
    return [count / times for count in counts]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("perfect", [0.0, 1.0, 0.0]),
        # The second is reached unless the first was clicked and enough, the third if the second was not.
        ("navigational", [0.05, 0.99 * 0.95, 0.99 * (1 - 0.95 * 0.9) * 0.05]),
        ("near_random", [0.4, 0.8 * 0.6, 0.8 * 0.7 * 0.4]),
        ("position_biased", [0.1, 0.5, 0.1 / 3]),
    ],
)
def test_users_click_as_often_as_published(model: str, expected: list[float]) -> None:
    assert clicked(model, (0, 1, 0)) == pytest.approx(expected, abs=0.025)


def test_what_users_want_comes_first_after_they_have_asked(world: object) -> None:
    stream = streams.Stream("perfect", 120, checkpoints=(120,), layers=("memory",))
    outcome = asyncio.run(streams.run(world, stream, replays=5))
    assert len(outcome.online) == 120
    assert len(set(outcome.replays)) == 1
    assert streams.lift(outcome, "120", outcome.seen) > 0.1


def test_nothing_is_learned_where_nothing_is_served(world: object) -> None:
    outcome = asyncio.run(streams.run(world, streams.Stream("perfect", 30, checkpoints=(30,), layers=())))
    assert outcome.learned["30"] == outcome.static


def test_the_same_seed_gives_the_same_stream(world: object) -> None:
    stream = streams.Stream("informational", 40, checkpoints=(40,), attack="adaptive", malicious=0.4, gold=0.5)
    assert asyncio.run(streams.run(world, stream)) == asyncio.run(streams.run(world, stream))


def test_as_many_attack_as_is_said_and_newcomers_at_once() -> None:
    rng = random.Random(1)
    steady = streams.Stream(impressions=2_000, attack="invert", malicious=0.2)
    assert sum(streams.who(steady, number, rng)[1] for number in range(2_000)) == pytest.approx(400, abs=60)
    burst = streams.Stream(impressions=1_000, attack="sybil", malicious=0.2)
    came = [streams.who(burst, number, rng) for number in range(1_000)]
    assert len({user for user, is_evil, _ in came if is_evil}) == 200
    assert [number for number, (_, is_evil, _) in enumerate(came) if is_evil] == list(range(500, 700))


def test_attackers_click_what_is_not_wanted_unless_they_feel_watched() -> None:
    shown = simulated.Shown("i", "q", "u", ("a", "b", "c"), (0, 1, 0), 0.5)
    plan, rng = attackers.Campaign("b", frozenset()), random.Random(1)
    assert attackers.invert(shown, plan, rng) == [1, 3]
    assert attackers.promote(shown, plan, rng) == [2]
    assert attackers.adaptive(shown, plan, rng) == [1, 3]
    assert attackers.adaptive(shown, attackers.Campaign("b", frozenset({"q"})), rng) == [2]


def test_topics_part_the_questions_by_what_they_are_near_to(world: object) -> None:
    one, other = streams.halves(world, list(WORDS))
    assert sorted(one + other) == sorted(WORDS)
    assert len(one) == len(other)


def test_the_lists_of_lambdarank_are_ranked_by_what_they_are_described_by() -> None:
    rows = [np.arange(10.0)[:, None] * np.ones((1, 12)), np.ones((3, 12))]
    lists = lambdarank.described(lambdarank.Lists(rows, [np.arange(10) // 2, np.zeros(3, int)]), list(range(12)))
    assert lambdarank.ndcg(lists, np.ones(12)) == pytest.approx(1.0)
    assert lambdarank.ndcg(lists, -np.ones(12)) < 0.5
