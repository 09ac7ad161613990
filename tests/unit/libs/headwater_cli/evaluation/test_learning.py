"""What learning did, in figures and as a page."""

from dataclasses import replace
from random import Random
from xml.etree import ElementTree

import pytest
from headwater_cli.evaluation.learning import DAY_SECONDS, Gathered, Rewards, gathered_values, lift
from headwater_cli.evaluation.learning_report import learning_page
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionRecorded,
    Judgement,
    Reaction,
    UserForgotten,
)
from headwater_kit.core.learning import Serving, ServingPolicy

START = 20_000.0 * DAY_SECONDS
EXPLOIT, LEARN = ServingPolicy.EXPLOIT, ServingPolicy.LEARN


def closed(
    name: str, policy: ServingPolicy = EXPLOIT, label: float = 1.0, at: float = START, revision: int = 1
) -> ImpressionClosed:
    shown = ImpressionRecorded(
        *(name, "acme", "", "q", b"", "m", (), at), pseudonym=f"p-{name}", serving=Serving(policy)
    )
    return ImpressionClosed(shown, (Judgement(1, label),), revision, at + 60)


def voted(user: str, at: float = START) -> FeedbackJoined:
    feedback = FeedbackRecorded("f", "i", "acme", user, Reaction.UP, 1, at)
    return FeedbackJoined(feedback, closed("i", at=at).impression, ())


def test_a_better_passage_and_a_higher_place_are_worth_more() -> None:
    one = closed("one")
    assert one.reward == 1.0
    lower = replace(one, judgements=(Judgement(1, -1.0), Judgement(3, 1.0), Judgement(4, 0.5)))
    assert lower.reward == 0.5
    assert replace(one, judgements=()).reward == 0.0


def test_the_interval_is_wilsons() -> None:
    # From Newcombe 1998: 81 of 263 lie between 0.2553 and 0.3662.
    assert Rewards(263, 81.0).interval == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert Rewards().interval == (0.0, 1.0)


def test_the_lift_is_newcombes_difference() -> None:
    # His example (a), method 10: 56 of 70 less 48 of 80 lie between 0.0524 and 0.3339.
    found = lift(Rewards(70, 56.0), Rewards(80, 48.0))
    assert found is not None
    assert (found.difference, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert lift(Rewards(70, 56.0), Rewards()) is None


def test_the_interval_holds_for_rewards_that_are_no_proportion() -> None:
    chance, held = Random(7), 0
    for _ in range(400):
        low, high = Rewards(60, sum(chance.betavariate(2, 3) for _ in range(60))).interval
        held += low <= 0.4 <= high
    assert held >= 380


def test_an_amendment_replaces_and_a_copy_counts_nothing() -> None:
    gathered = Gathered("acme")
    for one in (closed("a"), closed("a"), closed("a", label=0.5, revision=2), closed("a"), closed("b")):
        gathered.take(one)
    assert (gathered.total(EXPLOIT).lists, gathered.total(EXPLOIT).total) == (2, 1.5)


def test_lists_fall_into_windows_by_when_they_were_shown_and_no_list_is_remembered_for_ever() -> None:
    gathered = Gathered("acme", DAY_SECONDS)
    for day in range(10):
        gathered.take(closed(f"e{day}", at=START + day * DAY_SECONDS))
        gathered.take(closed(f"l{day}", LEARN, 0.0, START + day * DAY_SECONDS))
    gathered.take(closed("e0"))
    values = gathered_values(gathered)
    assert [row["start"] for row in values["windows"]] == [START + day * DAY_SECONDS for day in range(10)]
    assert values["lift"]["difference"] == 1.0
    assert values["lift"]["low"] > 0
    assert (values["policies"]["exploit"]["lists"], values["lists_left_out_as_late"]) == (10, 1)
    assert len(gathered._counted) <= 6


def test_of_others_and_of_the_forgotten_nothing_is_counted() -> None:
    gathered = Gathered("acme")
    gathered.forget(UserForgotten("acme", "p-gone", START + 1))
    gathered.forget(UserForgotten("other", "p-here", START + 1))
    stranger = closed("x")
    for one in (
        closed("gone"),
        closed("here"),
        replace(stranger, impression=replace(stranger.impression, tenant="other")),
        closed("gone", at=START + 2),
    ):
        gathered.take(one)
    assert gathered.total(EXPLOIT).lists == 2


def made_up() -> Gathered:
    gathered, chance = Gathered("acme <b>"), Random(3)
    for number in range(1200):
        policy = chance.choice(list(ServingPolicy))
        day = number // 60
        one = closed(str(number), policy, chance.random() ** (2 if policy is LEARN else 1), START + day * DAY_SECONDS)
        gathered.take(replace(one, impression=replace(one.impression, tenant="acme <b>")))
    for number in range(80):
        feedback = replace(voted("ann").feedback, tenant="acme <b>")
        reason = chance.choice(["NOT_SHOWN", "TOO_LATE"])
        gathered.quarantine(FeedbackQuarantined(feedback, reason, "", START + number % 9 * DAY_SECONDS))
        joined = voted(f"ann {number % 7}", START + number % 9 * DAY_SECONDS)
        gathered.take(replace(joined, impression=replace(joined.impression, tenant="acme <b>")))
    return gathered


MADE_UP = {
    "models": [
        {"component": "ranker", "part": "", "stage": "exploit", "share": 0.0, "snapshot_id": "abc"}
        | {"example_count": 900, "publish_time": START}
    ],
    "memory": {"clusters": 3, "votes": 17},
    "gates": [
        {"time": START + 9.5 * DAY_SECONDS, "decision": "promoted", "component": "ranker", "part": ""}
        | {"snapshot_id": "abc", "by": "the gate", "reason": "passed"}
        | {"checks": [{"name": "snips", "value": 0.1, "bound": -0.1, "passed": True, "examples": 240}]},
    ],
}


def test_the_page_has_the_figures_and_fetches_nothing() -> None:
    page = learning_page(gathered_values(made_up()) | MADE_UP)
    for words in ("Lift:", "slightly worse by design", "3 clusters of questions, 17 votes", "promoted", "snips 0.1"):
        assert words in page
    assert page.count("<svg") == 5
    assert "acme &lt;b&gt;" in page
    assert "ann" not in page.replace("canary", "").replace("channel", "")
    for fetching in ("<script", "<link", "src=", "url(http", "@import"):
        assert fetching not in page
    assert "NOT_SHOWN" in page


def test_the_page_of_nothing_says_so() -> None:
    page = learning_page(
        gathered_values(Gathered("acme")) | {"models": [], "memory": {"clusters": 0, "votes": 0}, "gates": []}
    )
    assert "No lift can be told yet" in page
    for plot in page.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + plot[: plot.index("</svg>") + 6])
