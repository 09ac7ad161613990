"""Searches that teach and searches that are taught: what is shown, what is told of it, and that it holds over pages."""

import math
import random
from dataclasses import replace

import pytest
from headwater_kit.core.bytevectors import to_bytes
from headwater_kit.core.documents import ANONYMOUS, Passage, Position, Principal
from headwater_kit.core.impressions import ImpressionRecorded
from headwater_kit.core.learning import (
    FEATURES,
    Arm,
    BanditModel,
    ClickMemory,
    ModelPublished,
    PassageVotes,
    RankerModel,
    ServingPolicy,
    Team,
)
from headwater_kit.core.pseudonyms import Pseudonyms
from headwater_kit.core.shape import Folding, Shape
from headwater_retrieve.adapters.memory import WordEncoder
from headwater_retrieve.domain.drawing import log_propensities
from headwater_retrieve.domain.policy import LearningPolicy
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.handlers import Found, SearchPolicy, ShownVectors
from headwater_retrieve.ports import QueryVector
from headwater_vectors.ports import Model
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.test_handlers import ADA, Bench, names
from unit.services.retrieve.test_learned import WEIGHTS, id_of, signed

QUESTION = Query("how does a list grow?")
WORDS = "list grow array dict order tuple change key value item sort copy slice merge loop index".split()
TEACHING = LearningPolicy(learn_share=1.0, temperature=0.5)
DRAFTED = LearningPolicy(learn_share=0.0, interleave_share=1.0)
# Weights that turn the fused order round.
BACKWARDS = tuple(-weight for weight in WEIGHTS)
ALL = 100


async def opened(learning: LearningPolicy, documents: int = 20, cache_bytes: int = 0, key: bytes = b"") -> Bench:
    bench = Bench(
        policy=SearchPolicy(learning=learning),
        cache_bytes=cache_bytes,
        reliability=Reliability(is_estimated=False),
        pseudonyms=Pseudonyms(key),
    )
    await bench.store.open()
    await bench.store.adopt(Model(WordEncoder.model_id, WordEncoder.dimension))
    rng = random.Random(5)
    for number in range(documents):
        words = " ".join(rng.choices(WORDS, k=3 + number % 7))
        await bench.add(f"doc-{number}", f"{words} and a list may grow {number}.")
    return bench


def publish(bench: Bench, model: ModelPublished) -> None:
    bench.models.put(model.name, model, Position(1, 9))
    bench.results.changed("acme")


def shown(bench: Bench) -> ImpressionRecorded:
    return bench.impressions.impressions[-1]


def vote(bench: Bench, passage: Passage) -> None:
    """So many users like it that it rises as far as votes can raise it."""
    votes = (PassageVotes(passage.document_id, passage.chunk.text_hash, up=1_000, down=0),)
    vector = bench.encoder.vector(QUESTION.text)
    bench.memory.put(b"k", ClickMemory("acme", "c", vector, WordEncoder.model_id, votes))


async def ordered(bench: Bench, query: Query = QUESTION) -> Found:
    """The best order known."""
    return await bench.ask(replace(query, top_k=ALL, exploit_only=True))


async def test_a_list_that_teaches_is_the_best_one_with_its_head_drawn() -> None:
    bench = await opened(TEACHING)
    best = names(await ordered(bench))
    found = await bench.ask(replace(QUESTION, top_k=ALL))
    depth = TEACHING.depth
    assert sorted(names(found)[:depth]) == sorted(best[:depth])
    assert names(found)[depth:] == best[depth:]
    impression = shown(bench)
    assert impression.serving.policy is ServingPolicy.LEARN
    assert [item.log_propensity for item in impression.items[depth:]] == [0.0] * (len(best) - depth)
    strengths = [passage.score / TEACHING.temperature for passage in found.passages[:depth]]
    assert [item.log_propensity for item in impression.items[:depth]] == pytest.approx(log_propensities(strengths))


async def test_a_list_that_teaches_has_its_passages_vectors_and_no_other_has_any() -> None:
    bench = await opened(TEACHING)
    found = await bench.ask(replace(QUESTION, top_k=ALL))
    stored = await bench.store.vectors("acme", [each.chunk.chunk_id for each in found.passages], WordEncoder.model_id)
    kept = {item.chunk_id: item.vector for item in shown(bench).items if item.vector}
    assert kept == {each.chunk.chunk_id: to_bytes(stored[each.chunk.chunk_id]) for each in found.passages[:20]}
    await ordered(bench)
    assert not any(item.vector for item in shown(bench).items)


async def test_vectors_that_are_not_at_hand_are_done_without() -> None:
    bench = await opened(TEACHING)
    vectors = ShownVectors(bench.store, frozenset(ServingPolicy))
    found = await bench.ask(QUESTION)
    await bench.store.close()
    assert not await vectors.of(ServingPolicy.LEARN, "acme", QueryVector(b"1234", "m"), found.passages)


async def test_the_impressions_id_repeats_the_draw_and_another_draws_anew() -> None:
    bench = await opened(TEACHING)
    one, other = [names(await bench.ask(replace(QUESTION, impression_id="i1"))) for _ in range(2)]
    assert one == other
    orders = {tuple(names(await bench.ask(replace(QUESTION, impression_id=f"i{n}")))) for n in range(20)}
    assert len(orders) > 5


@given(st.integers(1, 7), st.integers(0, 50), st.sampled_from([0, 1_000_000]))
@pytest.mark.parametrize("learning", [TEACHING, DRAFTED], ids=["drawn", "drafted"])
async def test_pages_together_are_the_list_that_was_drawn(
    learning: LearningPolicy, top_k: int, seed: int, cache_bytes: int
) -> None:
    bench = await opened(learning, documents=13, cache_bytes=cache_bytes)
    publish(bench, signed(RankerModel("acme", BACKWARDS), ServingPolicy.INTERLEAVE))
    whole = await bench.ask(replace(QUESTION, top_k=ALL, impression_id=f"i{seed}"))
    items = shown(bench).items
    told, paged, cursor = [], [], ""
    for number in range(20):
        # Each page is an impression of its own; the chance is that of the first.
        asked = replace(QUESTION, top_k=top_k, shape=Shape(cursor=cursor))
        found = await bench.ask(replace(asked, impression_id=f"i{seed}" if not number else f"page-{number}"))
        assert not found.shown.list_changed
        paged += names(found)
        told += [(item.chunk_id, item.log_propensity, item.team) for item in shown(bench).items]
        cursor = found.shown.next_cursor
        if not cursor:
            break
    assert paged == names(whole)
    assert told == [(item.chunk_id, item.log_propensity, item.team) for item in items]


async def test_what_teaches_does_not_know_of_votes() -> None:
    bench = await opened(TEACHING)
    last = (await ordered(bench)).passages[-1]
    vote(bench, last)
    assert names(await ordered(bench)).index(last.document_id) < 10
    found = await bench.ask(replace(QUESTION, top_k=ALL))
    assert names(found)[-1] == last.document_id
    assert {item.parts.memory for item in shown(bench).items} == {None}


@pytest.mark.parametrize("shape", [Shape(diversity=0.5), Shape(group_by_document=True), Shape(passage_characters=400)])
async def test_a_list_in_an_order_of_its_own_teaches_nothing(shape: Shape) -> None:
    bench = await opened(TEACHING)
    await bench.ask(replace(QUESTION, shape=shape))
    assert shown(bench).serving.policy is ServingPolicy.EXPLOIT
    assert {item.log_propensity for item in shown(bench).items} == {0.0}


async def test_what_is_drawn_is_what_is_left_after_folding() -> None:
    bench = await opened(TEACHING, documents=6)
    for number in range(4):
        await bench.add(f"copy-{number}", "How does a list grow? A list grows.")
    found = await bench.ask(replace(QUESTION, top_k=ALL, shape=Shape(folding=Folding.EXACT)))
    assert len(found.passages) == 7
    chance = [item.log_propensity for item in shown(bench).items]
    strengths = [passage.score / TEACHING.temperature for passage in found.passages]
    assert chance == pytest.approx(log_propensities(strengths))


async def test_two_orders_are_shown_as_one_with_teams() -> None:
    bench = await opened(DRAFTED)
    challenger = signed(RankerModel("acme", BACKWARDS), ServingPolicy.INTERLEAVE)
    publish(bench, challenger)
    best = names(await ordered(bench))
    found = await bench.ask(replace(QUESTION, top_k=ALL))
    impression = shown(bench)
    assert sorted(names(found)) == sorted(best)
    assert {names(found)[0], names(found)[1]} == {best[0], best[-1]}
    teams = [item.team for item in impression.items]
    assert teams.count(Team.CHAMPION) == teams.count(Team.CHALLENGER) == len(best) / 2
    by_team = {item.document_id: item.team for item in impression.items}
    assert (by_team[best[0]], by_team[best[-1]]) == (Team.CHAMPION, Team.CHALLENGER)
    assert impression.serving.policy is ServingPolicy.INTERLEAVE
    assert (impression.serving.ranker_id, impression.serving.challenger_id) == ("", id_of(challenger))
    assert all(len(item.features) == len(FEATURES) for item in impression.items)


async def test_two_orders_of_what_one_search_found_ask_the_store_once() -> None:
    bench = await opened(DRAFTED)
    publish(bench, signed(RankerModel("acme", BACKWARDS), ServingPolicy.INTERLEAVE))
    calls = bench.encoder.calls
    await bench.ask(QUESTION)
    assert bench.encoder.calls == calls + 1


async def test_two_orders_that_fold_differently_show_a_text_once() -> None:
    bench = await opened(DRAFTED, documents=0)
    for number in range(5):
        await bench.add(f"copy-{number}", "How does a list grow? A list grows.")
    publish(bench, signed(RankerModel("acme", BACKWARDS), ServingPolicy.INTERLEAVE))
    for number in range(8):
        asked = replace(QUESTION, impression_id=f"i{number}", shape=Shape(folding=Folding.EXACT, max_per_document=1))
        assert len((await bench.ask(asked)).passages) == 1


async def test_a_canary_shows_the_challengers_order() -> None:
    bench = await opened(LearningPolicy(learn_share=0.0))
    best = names(await ordered(bench))
    canary = replace(signed(RankerModel("acme", BACKWARDS), ServingPolicy.CANARY), share=1.0)
    publish(bench, canary)
    assert names(await bench.ask(replace(QUESTION, top_k=ALL))) == best[::-1]
    serving = shown(bench).serving
    assert (serving.policy, serving.ranker_id, serving.challenger_id) == (
        ServingPolicy.CANARY,
        id_of(canary),
        id_of(canary),
    )
    assert names(await ordered(bench)) == best


@pytest.mark.parametrize("cache_bytes", [0, 1_000_000])
async def test_a_ranker_serves_from_when_it_is_published_until_it_is_withdrawn(cache_bytes: int) -> None:
    bench = await opened(LearningPolicy(learn_share=0.0), cache_bytes=cache_bytes)
    best = names(await ordered(bench))
    model = signed(RankerModel("acme", BACKWARDS))
    publish(bench, model)
    found = await bench.ask(replace(QUESTION, top_k=ALL))
    assert names(found) == best[::-1]
    assert shown(bench).serving.ranker_id == id_of(model)
    assert shown(bench).serving.models_position == Position(1, 9)
    stages = {report.stage: report.reason for report in found.ranked.reports}
    assert id_of(model) in stages["ranker"]
    assert stages["policy"].startswith("exploit")
    bench.models.drop(model.name, Position(1, 10))
    bench.results.changed("acme")
    assert names(await bench.ask(replace(QUESTION, top_k=ALL))) == best


async def test_a_ranker_is_its_tenants_alone() -> None:
    bench = await opened(LearningPolicy(learn_share=0.0))
    await bench.add("theirs", "A list may grow.", tenant="other")
    before = await bench.ask(QUESTION, Principal("other", "bob"))
    publish(bench, signed(RankerModel("acme", BACKWARDS)))
    after = await bench.ask(QUESTION, Principal("other", "bob"))
    assert after.passages == before.passages
    assert shown(bench).serving.ranker_id == ""


async def test_an_arm_sets_what_meaning_counts_and_is_told() -> None:
    bench = await opened(LearningPolicy(learn_share=0.0))
    publish(bench, signed(BanditModel("acme", "fusion", (Arm("words", {"dense_factor": 0.0}),))))
    found = await bench.ask(QUESTION)
    shares = [report.figures["dense_share"] for report in found.ranked.reports if report.stage == "fusion"]
    assert shares == [0.0]
    assert shown(bench).serving.arms == {"fusion": "words"}


@given(st.integers(0, 3), st.booleans())
async def test_with_nothing_learned_and_nothing_drawn_lists_are_what_they_were(votes: int, is_on: bool) -> None:
    """`is_on` False is the way before there were policies: fusion, cascade and memory."""
    lists = []
    for learning in (LearningPolicy(is_on=False), LearningPolicy(learn_share=0.0, is_on=is_on)):
        bench = await opened(learning, documents=12)
        for passage in (await bench.ask(QUESTION)).passages[:votes]:
            vote(bench, passage)
        lists.append((await bench.ask(replace(QUESTION, top_k=ALL))).passages)
    assert lists[0] == lists[1]


async def test_users_are_told_of_by_pseudonym_where_there_is_a_key() -> None:
    bench = await opened(LearningPolicy(), key=b"sixteen bytes or more")
    await bench.ask(QUESTION)
    ada = shown(bench)
    assert (ada.user, len(ada.pseudonym)) == ("", 32)
    await bench.ask(QUESTION, Principal("acme", ANONYMOUS))
    assert (shown(bench).user, shown(bench).pseudonym) == (ANONYMOUS, "")
    plain = await opened(LearningPolicy())
    await plain.ask(QUESTION)
    assert (shown(plain).user, shown(plain).pseudonym) == (ADA.user, "")


async def test_what_is_drawn_comes_as_often_as_told() -> None:
    """The mean of 1 / probability over draws counts the orders there are: each comes as often as it says."""
    bench = await opened(replace(TEACHING, depth=3, temperature=1.0))
    weights = []
    for number in range(600):
        await bench.ask(replace(QUESTION, top_k=3, impression_id=f"i{number}"))
        weights.append(math.exp(-sum(item.log_propensity for item in shown(bench).items)))
    assert sum(weights) / len(weights) == pytest.approx(6.0, rel=0.15)
