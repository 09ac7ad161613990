"""Which order is served: shares, what is shown to whom, and chance that the seed repeats."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from headwater_kit.core.documents import ANONYMOUS, Position, Principal
from headwater_kit.core.learning import Arm, BanditModel, RankerModel, ServingPolicy
from headwater_retrieve.domain.learned import Challenger, Served, TenantModels
from headwater_retrieve.domain.policy import LearningPolicy, Plan, choose, drawn_arm, seed_of, share_of, teaches
from hypothesis import given
from hypothesis import strategies as st
from unit.services.retrieve.test_learned import WEIGHTS
from unit.services.retrieve.test_turning import TURNING

POLICY = LearningPolicy()
ADA = Principal("acme", "ada")
ARMS = (Arm("words", {"dense_factor": 0.5}, 90.0, 10.0), Arm("meaning", {"dense_factor": 2.0}, 10.0, 90.0))
LIVE = Served(RankerModel("acme", WEIGHTS), "live", TURNING, "adapters", BanditModel("acme", "fusion", ARMS))
OTHER = replace(LIVE, ranker_id="other")
MODELS = TenantModels(LIVE, position=Position(1, 5))
QUESTIONS = [f"question {number}" for number in range(2_000)]


def against(stage: ServingPolicy, share: float = 0.0) -> TenantModels:
    return replace(MODELS, challenger=Challenger(OTHER, "other", stage, share))


def plan(question: str, models: TenantModels = MODELS, principal: Principal = ADA, **wishes: bool) -> Plan:
    return choose(POLICY, models, question, principal, seed_of(question), **wishes)


def policies(models: TenantModels, principal: Principal = ADA) -> Counter[ServingPolicy]:
    return Counter(plan(question, models, principal).policy for question in QUESTIONS)


def test_a_share_of_the_questions_teaches() -> None:
    found = policies(MODELS)
    assert found[ServingPolicy.LEARN] / len(QUESTIONS) == pytest.approx(0.2, abs=0.03)
    assert set(found) == {ServingPolicy.LEARN, ServingPolicy.EXPLOIT}


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_question_teaches_always_or_never_however_it_is_spaced(question: str, user: str) -> None:
    teaches = plan(question).policy is ServingPolicy.LEARN
    spaced = f"  {question.upper()}\n" if question.upper().casefold() == question.casefold() else f" {question} "
    assert (plan(spaced, principal=Principal("acme", user)).policy is ServingPolicy.LEARN) is teaches


def test_what_teaches_is_shown_without_adapters_and_memory_and_with_the_ranker() -> None:
    taught = next(found for found in map(plan, QUESTIONS) if found.policy is ServingPolicy.LEARN)
    recipe = taught.recipe
    assert (recipe.turning, recipe.served.adapter_id, recipe.has_memory) == (None, "", False)
    assert recipe.served.ranker_id == "live"


def test_of_the_rest_a_share_shows_two_orders_as_one() -> None:
    found = policies(against(ServingPolicy.INTERLEAVE))
    assert found[ServingPolicy.INTERLEAVE] / len(QUESTIONS) == pytest.approx(0.4, abs=0.04)
    one = next(
        each
        for each in (plan(question, against(ServingPolicy.INTERLEAVE)) for question in QUESTIONS)
        if each.policy is ServingPolicy.INTERLEAVE
    )
    assert one.challenger is not None
    assert (one.recipe.served.ranker_id, one.challenger.served.ranker_id) == ("live", "other")
    assert (one.challenger_id, one.challenger.arm) == ("other", one.recipe.arm)
    assert one.serving((Position(0, 1),)).challenger_id == "other"


def test_a_canary_is_for_some_users_always() -> None:
    canary = against(ServingPolicy.CANARY, 0.3)
    users = [Principal("acme", f"user {number}") for number in range(500)]
    untaught = [question for question in QUESTIONS[:20] if plan(question).policy is ServingPolicy.EXPLOIT]
    shown = [{plan(question, canary, user).policy for question in untaught} for user in users]
    assert all(len(found) == 1 for found in shown)
    assert shown.count({ServingPolicy.CANARY}) / len(users) == pytest.approx(0.3, abs=0.07)


def test_those_who_are_anonymous_are_told_apart_by_what_they_ask() -> None:
    found = policies(against(ServingPolicy.CANARY, 0.3), Principal("acme", ANONYMOUS))
    assert found[ServingPolicy.CANARY] / len(QUESTIONS) == pytest.approx(0.8 * 0.3, abs=0.04)


@pytest.mark.parametrize("stage", [ServingPolicy.INTERLEAVE, ServingPolicy.CANARY])
@pytest.mark.parametrize("wish", ["is_exploited", "is_on"])
def test_who_measures_and_who_has_turned_it_off_is_shown_the_best_order(stage: ServingPolicy, wish: str) -> None:
    models = against(stage, 1.0)
    for question in QUESTIONS[:100]:
        if wish == "is_on":
            off = replace(POLICY, is_on=False)
            found = choose(off, models, question, ADA, seed_of(question))
            assert found.recipe.served == Served()
        else:
            found = plan(question, models, is_exploited=True)
            assert found.recipe.served == LIVE
        assert found.policy is ServingPolicy.EXPLOIT


def test_a_list_in_an_order_of_its_own_is_never_drawn_nor_drafted() -> None:
    models = against(ServingPolicy.INTERLEAVE)
    found = {plan(question, models, is_plain=False).policy for question in QUESTIONS[:200]}
    assert found == {ServingPolicy.EXPLOIT}


@given(st.text())
def test_the_seed_repeats_all_of_a_plan(impression_id: str) -> None:
    models, seed = against(ServingPolicy.INTERLEAVE), seed_of(impression_id)
    one, other = (choose(POLICY, models, "a question", ADA, seed) for _ in range(2))
    assert one == other
    assert one.rng("draw").random() == other.rng("draw").random()


def test_arms_are_drawn_as_often_as_they_may_be_the_best_and_told() -> None:
    rng = random.Random(3)
    bandit = BanditModel("acme", "fusion", ARMS)
    assert Counter(drawn_arm(bandit, rng).name for _ in range(500))["words"] > 495
    untried = replace(bandit, arms=tuple(replace(arm, successes=0.0, failures=0.0) for arm in ARMS))
    counts = Counter(drawn_arm(untried, rng).name for _ in range(2_000))
    assert counts["words"] / 2_000 == pytest.approx(0.5, abs=0.05)
    found = plan("question 1")
    assert found.serving(()).arms == {"fusion": found.recipe.arm}
    assert found.recipe.dense_factor == {"words": 0.5, "meaning": 2.0}[found.recipe.arm]


def test_who_measures_gets_the_arm_that_did_best_and_what_is_set_where_none_was_tried() -> None:
    assert {plan(each, is_exploited=True).recipe.arm for each in QUESTIONS[:50]} == {"words"}
    arms = (Arm("words", {"dense_factor": 0.8}), Arm("as_set", {"dense_factor": 1.0}))
    untried = replace(MODELS, live=replace(LIVE, fusion=BanditModel("acme", "fusion", arms)))
    assert {plan(each, untried, is_exploited=True).recipe.arm for each in QUESTIONS[:50]} == {"as_set"}


@given(st.lists(st.text(), min_size=1))
def test_shares_lie_between_0_and_1(words: list[str]) -> None:
    assert 0.0 <= share_of(*words) < 1.0
    assert share_of(*words) == share_of(*words)


def test_other_questions_teach_in_each_period_and_the_time_tells_which() -> None:
    day = 24 * 3_600.0
    taught = [{each for each in QUESTIONS if teaches(POLICY, "acme", each, number * day + 5.0)} for number in range(40)]
    shares = [len(each) / len(QUESTIONS) for each in taught]
    assert all(abs(share - POLICY.learn_share) < 0.1 for share in shares)
    assert {each for each in QUESTIONS if teaches(POLICY, "acme", each, day - 1.0)} == taught[0]
    assert set[str]().union(*taught) == set(QUESTIONS), "none goes without what was learned for ever"
