"""What is worse is not served, what is better is, and a process that starts again comes to the same."""

import random
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from headwater_feedback.domain.drift import PageHinkley
from headwater_feedback.domain.gates import TenantGate
from headwater_feedback.domain.learners import Trained
from headwater_feedback.domain.offpolicy import DrawnList, compare, drawn_list, value
from headwater_feedback.domain.sequential import evidence
from headwater_feedback.domain.trials import Trial, TrialPolicy
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import NotFound
from headwater_kit.core.impressions import ImpressionClosed
from headwater_kit.core.learning import (
    Arm,
    BanditModel,
    GateDecision,
    GoldLabel,
    GoldQuestion,
    ModelName,
    ServingPolicy,
    Team,
)
from unit.services.feedback.traffic import IDENTIFY, LIVE, TASTE, Traffic, ranker

D = GateDecision
WORSE = LIVE - 0.5 * (TASTE - LIVE)


def after(seed: int, lists: int = 1_500, **changes: object) -> Traffic:
    traffic = Traffic(seed, **changes)  # type: ignore[arg-type]
    traffic.run(lists)
    return traffic


def until_settled(traffic: Traffic, most: int = 6_000) -> None:
    for _ in range(most // 100):
        if traffic.gate.trial is None:
            return
        traffic.run(100)


@pytest.fixture(scope="module")
def promoted() -> Traffic:
    traffic = after(3)
    traffic.offer((LIVE + TASTE) / 2)
    until_settled(traffic)
    return traffic


def test_a_better_model_passes_every_stage_with_its_figures(promoted: Traffic) -> None:
    assert promoted.decisions == [D.INTERLEAVED, D.CANARY, D.PROMOTED]
    names = [[check.name for check in verdict.decided.checks] for verdict in promoted.verdicts]
    assert names == [
        ["snips_lower_bound", "doubly_robust_lower_bound", "overlap"],
        ["interleaving_wins", "interleaving_evidence"],
        ["canary_reward"],
    ]
    assert all(check.passed and check.examples for verdict in promoted.verdicts for check in verdict.decided.checks)
    assert promoted.live is not None
    assert promoted.live.learned == ranker((LIVE + TASTE) / 2)
    assert promoted.challenger is None


def test_the_same_examples_give_the_same_verdicts(promoted: Traffic) -> None:
    """Time and chance have no part in it: replayed without its records, the gate decides the same, byte for byte."""
    again = TenantGate("acme", IDENTIFY, tuple)
    verdicts = []
    for place, example in enumerate(promoted.examples, 1):
        verdicts += again.take(example)
        if place == 1_500:
            trained = promoted.verdicts[0].models[0]
            verdicts += again.offer(_trained(trained.learned, place))
    assert verdicts == promoted.verdicts


@pytest.mark.parametrize("crash_at", [0, 1_400, 1_501, 1_700])
def test_a_restart_goes_on_from_the_records(promoted: Traffic, crash_at: int) -> None:
    """What was written before the crash is not decided again; what was not is."""
    written = [v.decided for v in promoted.verdicts if v.decided.position and v.decided.position.offset <= crash_at]
    again = TenantGate("acme", IDENTIFY, tuple, history=reversed(written))
    verdicts = []
    for place, example in enumerate(promoted.examples, 1):
        verdicts += again.take(example)
        if place == 1_500:
            verdicts += again.offer(_trained(promoted.verdicts[0].models[0].learned, place))
    assert verdicts == promoted.verdicts[len(written) :]
    assert again.slots["ranker", ""].live == promoted.gate.slots["ranker", ""].live
    assert again.trial is None


def test_a_process_that_does_not_decide_follows(promoted: Traffic) -> None:
    follower = TenantGate("acme", IDENTIFY, tuple)
    follower.decides = False
    records = {v.decided.position: v.decided for v in promoted.verdicts}
    for place, example in enumerate(promoted.examples, 1):
        assert follower.take(example) == []
        if place == 1_500:
            assert follower.offer(_trained(promoted.verdicts[0].models[0].learned, place)) == []
        if example.position in records:
            follower.record(records[example.position])
            follower.record(records[example.position])
    assert list(follower.history) == list(promoted.gate.history)
    assert follower.slots["ranker", ""].live == promoted.gate.slots["ranker", ""].live


def _trained(learned: object, place: int, **changes: object) -> Trained:
    return replace(Trained(learned, Position(0, place), 50), **changes)  # type: ignore[arg-type]


def test_a_worse_model_is_not_shown_to_anybody() -> None:
    for weights in (WORSE, -LIVE, np.random.default_rng(0).standard_normal(len(LIVE))):
        traffic = after(1)
        (verdict,) = traffic.offer(weights)
        assert verdict.decided.decision is D.REFUSED
        assert (verdict.models, verdict.withdrawn) == ((), ())
        assert "did not pass" in verdict.decided.reason


def test_little_is_known_is_no_reason_to_serve() -> None:
    (verdict,) = after(1, 200).offer(TASTE)
    (failed,) = [check for check in verdict.decided.checks if not check.passed]
    assert failed.name == "drawn_lists"


def test_models_from_elsewhere_are_refused_at_the_door() -> None:
    traffic = after(1, 300)
    good = _trained(ranker(TASTE), 300)
    for wrong, name in (
        (replace(good, learned=ranker(TASTE, "globex")), "tenant"),
        (replace(good, trained_to=Position(4, 300)), "trained_to"),
        (replace(good, trained_to=Position(0, 9_000)), "trained_to"),
        (replace(good, example_count=301), "trained_to"),
        (replace(good, learned=replace(ranker(TASTE), features=("bm25", *ranker(TASTE).features[1:]))), "sound"),
        (replace(good, learned=ranker((float("nan"), *TASTE[1:]))), "sound"),
        (replace(good, learned=ranker((1e9, *TASTE[1:]))), "sound"),
    ):
        (verdict,) = traffic.gate.offer(wrong)
        assert verdict.decided.decision is D.REFUSED
        assert [check.name for check in verdict.decided.checks] == [name]
        assert verdict.decided.tenant == "acme"
        with pytest.raises(NotFound):
            traffic.gate.promote(verdict.decided.snapshot_id, "ann", 1.0)


def test_gold_questions_hold_a_model_back() -> None:
    gold = tuple(GoldQuestion("acme", f"Question  {n}", (GoldLabel("d0", 3),), "ann", 1.0) for n in range(300))
    traffic = after(2, 600, gold=gold)
    best = (LIVE + TASTE) / 2
    (verdict,) = traffic.offer(best)
    (check,) = [check for check in verdict.decided.checks if check.name == "gold_ndcg"]
    # The gold documents are random here, so that whether it passes is chance; what counts is that it is asked.
    assert check.examples == 300
    assert (verdict.decided.decision is D.REFUSED) == (not check.passed) or "did not pass" in verdict.decided.reason


def test_one_model_is_tried_at_a_time_and_the_last_offered_waits() -> None:
    traffic = after(3)
    traffic.offer((LIVE + TASTE) / 2)
    traffic.run(10)
    assert traffic.offer(TASTE * 0.9) == []
    traffic.run(10)
    assert traffic.offer(TASTE * 0.8) == []
    waiting = traffic.gate.slots["ranker", ""].waiting
    until_settled(traffic)
    judged = [verdict.decided.snapshot_id for verdict in traffic.verdicts]
    assert waiting in judged
    assert len(set(judged)) == 2


def test_bandits_keep_the_arms_that_were_set() -> None:
    traffic = after(1, 50)
    model = BanditModel(
        "acme", "fusion", (Arm("even", {"dense": 1.0}, 3.0, 1.0), Arm("more", {"dense": 1.2}, 1.0, 1.0))
    )
    (verdict,) = traffic.gate.offer(_trained(model, 50))
    assert verdict.decided.decision is D.PROMOTED
    assert (verdict.decided.component, verdict.decided.part) == ("bandit", "fusion")
    moved = replace(model, arms=(model.arms[0], replace(model.arms[1], values={"dense": 90.0})))
    (verdict,) = traffic.gate.offer(_trained(moved, 50))
    assert [check.name for check in verdict.decided.checks] == ["same_arms"]


def test_a_model_that_goes_bad_is_taken_back() -> None:
    traffic = after(3)
    traffic.offer((LIVE + TASTE) / 2)
    until_settled(traffic)
    assert traffic.live is not None
    traffic.harm = 0.4
    before = traffic.count
    while traffic.live is not None and traffic.count < before + 3_000:
        traffic.run(50)
    last = traffic.verdicts[-1]
    assert last.decided.decision is D.ROLLED_BACK
    assert last.withdrawn[0] == ModelName("acme", "ranker")
    assert {check.name for check in last.decided.checks} <= {"reward_fall", "abandoned"}
    assert traffic.count - before < 1_000


def test_a_good_model_is_left_alone(promoted: Traffic) -> None:
    alone = after(4)
    alone.offer((LIVE + TASTE) / 2)
    until_settled(alone)
    alone.run(8_000)
    assert D.ROLLED_BACK not in alone.decisions


def test_operators_promote_and_roll_back_on_the_record() -> None:
    traffic = after(1)
    traffic.offer(WORSE)
    refused = traffic.verdicts[-1].decided.snapshot_id
    verdict = traffic.gate.promote(refused, "ann", 5.0)
    assert (verdict.decided.user, verdict.decided.decision) == ("ann", D.PROMOTED)
    assert verdict.models[0].stage is ServingPolicy.EXPLOIT
    back = traffic.gate.roll_back("ranker", "", "ben", 6.0)
    assert (back.decided.user, back.decided.snapshot_id, back.decided.parent_id) == ("ben", refused, "")
    assert back.withdrawn == (ModelName("acme", "ranker"),)
    with pytest.raises(NotFound):
        traffic.gate.roll_back("ranker", "", "ben", 7.0)
    with pytest.raises(NotFound):
        traffic.gate.promote("unknown", "ann", 8.0)


def test_a_rollback_goes_to_the_model_before() -> None:
    traffic = after(1)
    for weights in (WORSE, -LIVE):
        traffic.offer(weights)
        traffic.run(1)
    first, second = (verdict.decided.snapshot_id for verdict in traffic.verdicts)
    traffic.gate.promote(first, "ann", 1.0)
    traffic.gate.promote(second, "ann", 2.0)
    back = traffic.gate.roll_back("ranker", "", "ann", 3.0)
    assert back.decided.parent_id == first
    assert back.models[0].learned == ranker(WORSE)
    assert traffic.gate.roll_back("ranker", "", "ann", 4.0).decided.parent_id == ""


def test_what_was_learned_from_the_forgotten_is_taken_back(promoted: Traffic) -> None:
    rebuilt = TenantGate("acme", IDENTIFY, tuple, history=promoted.gate.history)
    for example in promoted.examples:
        rebuilt.take(example)  # nothing was learned of it any more
    (verdict,) = rebuilt.forget()
    assert verdict.decided.decision is D.ROLLED_BACK
    assert verdict.withdrawn == (ModelName("acme", "ranker"),)
    assert promoted.gate.forget() == []


def test_an_example_counts_once(promoted: Traffic) -> None:
    traffic = after(5, 100)
    evidence_before = len(traffic.gate._evidence.drawn)
    for example in traffic.examples:
        traffic.gate.take(replace(example, position=Position(0, 101)))
    assert len(traffic.gate._evidence.drawn) == evidence_before


def shown_lists(count: int, seed: int) -> list[DrawnList]:
    traffic = Traffic(seed, learn_share=1.0)
    found = []
    while len(found) < count:
        event = traffic.example().event
        assert isinstance(event, ImpressionClosed)
        drawn = drawn_list(event)
        assert drawn is not None
        found.append(drawn)
    return found


def test_the_estimate_of_another_order_is_without_bias() -> None:
    """Over many logs, its mean is the mean reward of the first places that the order would give."""
    truth_rng = np.random.default_rng(99)
    features = truth_rng.standard_normal((20_000, 10, len(LIVE)))
    first = features[np.arange(20_000), (features @ TASTE).argmax(axis=1)]
    truth = float((1.0 / (1.0 + np.exp(1.0 - first @ TASTE))).mean())
    # What is cut of the largest weights is cut downwards, and little.
    found = [value(shown_lists(400, seed), tuple(TASTE)) for seed in range(25)]
    spread = float(np.std(found)) / len(found) ** 0.5
    assert abs(float(np.mean(found)) - truth) < 3.0 * spread + 0.01


def test_an_order_is_no_better_than_itself() -> None:
    same = [compare(shown_lists(300, seed), tuple(LIVE), tuple(LIVE), 0.05).snips for seed in range(5)]
    assert all(estimate.difference == 0.0 and estimate.lower == 0.0 for estimate in same)


def test_evidence_is_the_mixture_it_says() -> None:
    chances = (np.arange(100_000) + 0.5) / 200_000 + 0.5
    for wins, losses in ((0, 0), (3, 1), (0, 5), (40, 20)):
        mixture = float((chances**wins * (1 - chances) ** losses).mean() * 2.0 ** (wins + losses))
        assert evidence(wins, losses) == pytest.approx(mixture, rel=1e-6)


def test_no_difference_is_seldom_taken_for_one() -> None:
    """2,000 comparisons of two equal rankers, each looked at up to 100 times: not more than alpha pass."""
    rng, policy, known = random.Random(7), TrialPolicy(), cache(evidence)
    passed = 0
    for _ in range(2_000):
        wins = 0
        for judged in range(1, policy.most_lists + 1):
            wins += rng.random() < 0.5
            if judged % policy.look_every:
                continue
            if known(wins, judged - wins) >= 1.0 / policy.alpha:
                passed += 1
                break
            if known(judged - wins, wins) >= 1.0 / policy.alpha:
                break
    assert passed / 2_000 <= policy.alpha


def judged_lists(chance: float, rng: random.Random, users: int = 1_000) -> Counter[GateDecision]:
    """Decisions of a trial whose challenger wins a judged list with this chance."""
    traffic, trial = Traffic(1), Trial("s", ServingPolicy.INTERLEAVE, TrialPolicy())
    template = traffic.example().event
    assert isinstance(template, ImpressionClosed)
    teams = (Team.CHAMPION, Team.CHALLENGER)
    items = tuple(replace(item, team=team) for item, team in zip(template.impression.items, teams, strict=False))
    serving = replace(template.impression.serving, policy=ServingPolicy.INTERLEAVE, challenger_id="s")
    while True:
        shown = replace(template.impression, items=items, serving=serving, pseudonym=f"u{rng.randrange(users)}")
        clicked = 2 if rng.random() < chance else 1
        labels = tuple(replace(j, label=float(j.rank == clicked)) for j in template.judgements[:2])
        look = trial.take(replace(template, impression=shown, judgements=labels))
        if look is not None:
            return Counter([look.decision])


def test_a_worse_challenger_never_gets_past_and_a_better_one_mostly_does() -> None:
    rng = random.Random(11)
    worse = sum((judged_lists(0.42, rng) for _ in range(200)), Counter[GateDecision]())
    assert worse == Counter({D.REFUSED: 200})
    better = sum((judged_lists(0.58, rng) for _ in range(200)), Counter[GateDecision]())
    assert better[D.CANARY] >= 180


def test_one_user_cannot_carry_a_challenger() -> None:
    policy, trial = TrialPolicy(), Trial("s", ServingPolicy.INTERLEAVE, TrialPolicy())
    template = Traffic(1).example().event
    assert isinstance(template, ImpressionClosed)
    item = replace(template.impression.items[0], team=Team.CHALLENGER)
    serving = replace(template.impression.serving, policy=ServingPolicy.INTERLEAVE, challenger_id="s")
    shown = replace(template.impression, items=(item,), serving=serving, pseudonym="sybil")
    liked = replace(template, impression=shown, judgements=(replace(template.judgements[0], label=1.0),))
    assert all(trial.take(liked) is None for _ in range(500))
    assert trial.wins == policy.lists_a_user


def test_false_alarms_are_rare_and_falls_are_told() -> None:
    rng = random.Random(3)
    quiet = [PageHinkley(count=200, mean=0.4) for _ in range(20)]
    assert not any(each.add(float(rng.random() < 0.4)) for each in quiet for _ in range(5_000))
    fallen = PageHinkley(count=200, mean=0.4)
    told = next(n for n in range(2_000) if fallen.add(float(rng.random() < 0.2)))
    assert told < 600


def test_the_lower_bounds_hold_as_often_as_they_say() -> None:
    """Of 60 logs, the true difference lies below the bound in about one of twenty; in one of ten at most."""
    rng = np.random.default_rng(98)
    features = rng.standard_normal((20_000, 10, len(LIVE)))
    worth = [
        1.0 / (1.0 + np.exp(1.0 - features[np.arange(20_000), (features @ weights).argmax(axis=1)] @ TASTE))
        for weights in ((LIVE + TASTE) / 2, LIVE)
    ]
    truth = float(worth[0].mean() - worth[1].mean())
    found = [compare(shown_lists(200, 1_000 + seed), (LIVE + TASTE) / 2, LIVE, 0.05) for seed in range(60)]
    assert sum(each.snips.lower > truth for each in found) <= 6
    assert sum(each.doubly_robust.lower > truth for each in found) <= 6
