"""The click memory: one vote a user, weighed by trust and age, the same in whatever order, to the byte."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from headwater_feedback.domain import clusters, memory
from headwater_feedback.domain.bursts import VelocityPolicy
from headwater_feedback.domain.clusters import MemoryPolicy
from headwater_feedback.domain.consensus import EXPERT_WEIGHT
from headwater_feedback.domain.memory import TenantMemory
from headwater_feedback.domain.opinions import Example
from headwater_kit.codec.models import component_bytes
from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.impressions import Reaction
from headwater_kit.core.learning import ClickMemory
from headwater_kit.core.questions import question_key
from hypothesis import given
from hypothesis import strategies as st
from unit.services.feedback.examples import DAY, gold, joined, passed

GOLD = {question_key(query): gold(query, "good") for query in ("g1", "g2", "g3", "g4")}


def fold(
    *examples: Example, policy: MemoryPolicy | None = None, known: bool = False, most: int = 1_000
) -> TenantMemory:
    learned = TenantMemory(policy or MemoryPolicy(), VelocityPolicy(most, most), GOLD if known else None)
    for example in examples:
        learned.take(example)
    return learned


def published(learned: TenantMemory) -> list[ClickMemory]:
    return [found for name in sorted(learned.names) if (found := learned.published(name))]


def counts(*examples: Example) -> list[tuple[int, int]]:
    return [(vote.up, vote.down) for one in published(fold(*examples)) for vote in one.votes]


def weight(learned: TenantMemory, name: str = "doc") -> float:
    votes = [vote for one in published(learned) for vote in one.votes if vote.document_id == name]
    return sum((vote.up_weight or 0.0) - (vote.down_weight or 0.0) for vote in votes)


def measured(user: str, good: bool = True) -> list[Example]:
    """A user's reactions to gold questions: to what answers, or to what does not."""
    asked = enumerate(GOLD.values())
    return [
        joined(user, "good" if good else "bad", query=question.query, angle=20.0 + number, time=1.0 + number)
        for number, question in asked
    ]


def test_one_vote_a_user_and_passage() -> None:
    assert counts(joined("ann"), joined("ann"), joined("ann", time=2.0), joined("ben")) == [(2, 0)]


def test_a_users_last_word_counts() -> None:
    assert counts(joined(time=1.0), joined(reaction=Reaction.DOWN, time=2.0)) == [(0, 1)]


def test_a_judgement_outdoes_a_later_use_and_an_expert_both() -> None:
    down, click = joined(reaction=Reaction.DOWN, time=1.0), joined(reaction=Reaction.CLICK, time=2.0)
    assert counts(down, click) == [(0, 1)]
    assert counts(down, click, joined(reaction=Reaction.EXPERT_LABEL, value=3.0, time=0.5)) == [(1, 0)]


VOTES = [
    joined("ann", time=1.0),
    joined("ann", reaction=Reaction.DOWN, time=2.0),
    joined("ben", reaction=Reaction.CLICK, time=3.0),
    joined("ben", name="other", reaction=Reaction.RATING, value=2.0, time=4.0),
    passed("ann", ["doc", "other"], time=5.0),
]


@given(st.permutations(VOTES), st.lists(st.sampled_from(VOTES), max_size=4))
def test_neither_the_order_of_arrival_nor_repetition_matters(events: Sequence[Example], again: list[Example]) -> None:
    assert published(fold(*events, *again)) == published(fold(*VOTES))


def test_a_paraphrase_joins_the_cluster_and_another_question_does_not() -> None:
    assert len(published(fold(joined(), joined("ben", angle=0.2)))) == 1
    assert len(published(fold(joined(), joined("ben", angle=1.0)))) == 2


def test_a_question_without_a_vector_teaches_nothing() -> None:
    without = joined()
    assert counts(replace(without, impression=replace(without.impression, query_vector=b""))) == []


def test_votes_have_no_effect_before_enough_users_agree_to_speak() -> None:
    policy = MemoryPolicy(min_users=3)
    two = [joined("ann"), joined("ben")]
    assert weight(fold(*two, policy=policy)) == 0.0
    assert weight(fold(*two, joined("cem"), policy=policy)) >= 3.0
    assert weight(fold(joined(reaction=Reaction.EXPERT_LABEL, value=3.0), policy=policy)) > 0.0


def test_a_vote_loses_half_of_its_weight_in_a_half_life_of_others_time() -> None:
    policy = MemoryPolicy(half_life_days=10.0)
    assert weight(fold(joined("ann", time=0.0), joined("ben", time=10 * DAY), policy=policy)) == pytest.approx(1.5)


def test_a_time_in_the_future_makes_nobodys_votes_old() -> None:
    late = joined("eve", time=1.0)
    forged = replace(late, feedback=replace(late.feedback, time=1e12))
    assert weight(fold(joined("ann", time=1.0), forged)) == pytest.approx(2.0, abs=0.01)


def test_a_new_version_of_the_document_halves_the_votes_on_the_same_text() -> None:
    assert weight(fold(joined("ann"), joined("ben", version=2, time=1.0))) == pytest.approx(1.5)


def test_passing_over_counts_a_little_against_and_never_against_ones_own_use() -> None:
    assert -0.5 < weight(fold(passed("ann", ["doc"]))) < 0.0
    assert weight(fold(joined("ann", reaction=Reaction.CLICK), passed("ann", ["doc"], time=9.0))) > 0.0
    assert weight(fold(passed(ANONYMOUS, ["doc"]))) == 0.0


def test_a_correction_moves_nothing() -> None:
    assert counts(joined(reaction=Reaction.CORRECTION)) == []


def test_who_is_known_to_be_right_counts_more_than_a_stranger_and_a_liar_nothing() -> None:
    assert weight(fold(joined("ann"))) == pytest.approx(1.0)
    assert weight(fold(joined("ann"), known=True)) == pytest.approx(1.0)
    assert weight(fold(*measured("ann"), joined("ann"), known=True)) > 1.0
    assert weight(fold(joined("ann"), *measured("ann", good=False), known=True)) == 0.0


def test_strangers_in_any_number_weigh_no_more_than_those_who_are_measured() -> None:
    good = [one for user in ("ann", "ben", "cem") for one in (*measured(user), joined(user, reaction=Reaction.DOWN))]
    crowd = [joined(f"sybil-{number}", time=2.0) for number in range(100)]
    assert weight(fold(*good, *crowd, known=True)) <= 0.0


DOCS_APART = [(f"d{number}", 0.6 * number) for number in range(6)]


def said(user: str, reaction: Reaction = Reaction.UP) -> list[Example]:
    """A user's word on one passage of each of six questions."""
    return [joined(user, doc, reaction, angle=angle) for doc, angle in DOCS_APART]


def test_who_contradicts_those_who_are_measured_loses_a_say_however_well_they_did_on_gold_questions() -> None:
    good = [one for user in ("ann", "ben", "cem") for one in (*measured(user), *said(user))]
    learned = fold(*good, *measured("eve"), *said("eve", Reaction.DOWN), known=True)
    assert learned.trust()["eve"] < 0.5
    assert learned.trust()["ann"] > 1.0


def test_who_agrees_with_most_is_believed_where_there_are_no_gold_questions() -> None:
    good = [one for user in ("ann", "ben", "cem") for one in said(user)]
    trust = fold(*good, *said("eve", Reaction.DOWN)).trust()
    assert trust["eve"] == 0.0
    assert trust["ann"] > 1.0


def test_strangers_make_no_truth() -> None:
    good = [one for user in ("ann", "ben", "cem") for one in (*measured(user), *said(user, Reaction.DOWN))]
    crowd = [joined(f"sybil-{n}", "d0") for n in range(100)]
    learned = fold(*good, *crowd, known=True)
    assert learned.trust()["ann"] >= 1.0
    assert weight(learned, "d0") <= 0.0


def test_newcomers_are_believed_as_far_as_those_before_them_were_right() -> None:
    old = [one for n in range(6) for one in said(f"old-{n}")]
    liars = [one for n in range(20) for one in said(f"liar-{n}", Reaction.DOWN)]
    assert fold(*old, *liars, joined("new")).trust()["new"] < 0.5
    assert fold(*old, joined("new")).trust()["new"] == 1.0


def test_what_comes_faster_than_people_react_is_put_aside() -> None:
    learned = TenantMemory(MemoryPolicy(), VelocityPolicy(user_reactions=3))
    alarms = [learned.take(joined("bot", f"d{n}", time=1.0 + n)).alarms for n in range(5)]
    assert [[alarm.reason for alarm in each] for each in alarms] == [[], [], [], ["VELOCITY"], ["VELOCITY"]]
    assert sum(len(one.votes) for one in published(learned)) == 3


OLD_HANDS = ("ann", "ben", "cem", "dan")
LATER = 7_200.0


def after_a_while(*on: str) -> TenantMemory:
    """A memory whose users are known for some hours, and voted on these documents of late."""
    learned = TenantMemory(MemoryPolicy(), VelocityPolicy(burst_users=3))
    for time, doc in ((0.0, "others"), *((LATER + number, doc) for number, doc in enumerate(on))):
        for user in OLD_HANDS:
            learned.take(joined(user, doc, time=time))
    return learned


def burst(learned: TenantMemory) -> set[str]:
    examples = [joined(f"sybil-{n}", time=LATER + 100.0 + n) for n in range(6)]
    return {alarm.reason for one in examples for alarm in learned.take(one).alarms}


def test_a_burst_of_newcomers_for_one_document_is_held_until_an_expert_says_the_same() -> None:
    learned = after_a_while("others")
    assert burst(learned) == {"SYBIL_BURST"}
    assert weight(learned) == 0.0
    learned.take(joined("doctor", reaction=Reaction.EXPERT_LABEL, value=3.0, time=LATER + 200.0))
    assert weight(learned) == pytest.approx(EXPERT_WEIGHT + 6.0 * 1.2, abs=0.1)


def test_what_everybody_opens_is_popular_and_where_all_are_new_nobody_is_a_newcomer() -> None:
    assert burst(after_a_while("doc")) == set()
    assert burst(TenantMemory(MemoryPolicy(), VelocityPolicy(burst_users=3))) == set()


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MAX_CLUSTERS", 2)
    monkeypatch.setattr(clusters, "MAX_PASSAGES", 2)
    monkeypatch.setattr(clusters, "MAX_VOTERS", 2)
    learned = fold(*(joined(f"u{n}", f"d{n % 3}", angle=float(n % 3), time=float(n)) for n in range(30)))
    assert len(list(learned.names)) == 2
    assert all(len(one.votes) <= 2 and one.votes[0].up <= 2 for one in published(learned))


USERS, DOCS = ("ann", "ben", "cem", "eve"), ("good", "bad", "doc")
EXAMPLES = st.lists(
    st.builds(
        joined,
        st.sampled_from(USERS),
        st.sampled_from(DOCS),
        st.sampled_from([Reaction.UP, Reaction.DOWN, Reaction.CLICK, Reaction.EXPERT_LABEL]),
        time=st.integers(0, 40).map(float),
        query=st.sampled_from(["g1", "g2", "g3", "g4", "q"]),
        angle=st.sampled_from([0.0, 0.2, 1.0, 2.0]),
        version=st.integers(1, 3),
    ),
    max_size=40,
)


@given(EXAMPLES)
def test_every_change_of_what_is_published_is_told(examples: list[Example]) -> None:
    learned = TenantMemory(MemoryPolicy(min_users=2), VelocityPolicy(5, 2), GOLD)
    served: dict[str, ClickMemory | None] = {}
    for example in examples:
        for name in learned.take(example).clusters:
            served[name] = learned.published(name)
    assert {name: learned.published(name) for name in learned.names} == {k: v for k, v in served.items() if v}


@given(EXAMPLES)
def test_the_same_examples_give_the_same_bytes(examples: list[Example]) -> None:
    one, other = (fold(*examples, known=True, most=4) for _ in range(2))
    assert [component_bytes(each) for each in published(one)] == [component_bytes(each) for each in published(other)]
