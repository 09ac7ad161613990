import pytest
from headwater_feedback.domain.judging import Meant, judge, left
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionItem, Judgement, Reaction
from hypothesis import given
from hypothesis import strategies as st
from unit.services.feedback.shown import feedback, impression, item

ITEMS = impression(items=5).items


def said(*reactions: FeedbackRecorded) -> list[Meant]:
    return [Meant(one, (item(one.rank),) if one.rank else (item(1),)) for one in reactions]


def judged(*reactions: FeedbackRecorded, cited: tuple[str, ...] = ()) -> tuple[Judgement, ...]:
    return judge(ITEMS, cited, said(*reactions))


def label(*reactions: FeedbackRecorded) -> float:
    return judged(*reactions)[0].label


def one(reaction: Reaction, value: float = 0.0, time: float = 1.0, user: str = "ann") -> FeedbackRecorded:
    return feedback(1, reaction, value=value, time=time, user=user, feedback_id=f"{reaction}{time}")


@pytest.mark.parametrize(
    ("reaction", "value", "expected"),
    [
        (Reaction.UP, 0, 1.0),
        (Reaction.DOWN, 0, -1.0),
        (Reaction.RATING, 1, -1.0),
        (Reaction.RATING, 3, 0.0),
        (Reaction.RATING, 5, 1.0),
        (Reaction.CLICK, 0, 0.5),
        (Reaction.CITATION_OPENED, 0, 0.5),
        (Reaction.COPY, 0, 0.8),
        (Reaction.DWELL, 29.9, 0.0),
        (Reaction.DWELL, 30, 0.7),
        (Reaction.CORRECTION, 0, 0.0),
        (Reaction.REFORMULATED, 0, 0.0),
        (Reaction.ABANDONED, 0, 0.0),
        (Reaction.EXPERT_LABEL, 0, -1.0),
        (Reaction.EXPERT_LABEL, 1, 0.3),
        (Reaction.EXPERT_LABEL, 2, 0.7),
        (Reaction.EXPERT_LABEL, 3, 1.0),
    ],
)
def test_the_table_of_labels(reaction: Reaction, value: float, expected: float) -> None:
    assert label(one(reaction, value)) == pytest.approx(expected)


def test_what_is_said_counts_above_what_is_done_and_the_last_word_above_the_first() -> None:
    assert label(one(Reaction.UP), one(Reaction.DOWN, time=2.0), one(Reaction.COPY, time=3.0)) == -1.0
    assert label(one(Reaction.CLICK), one(Reaction.COPY)) == 0.8


def test_who_leaves_at_once_has_not_found_it() -> None:
    assert label(one(Reaction.CLICK), one(Reaction.DWELL, 2.0)) == 0.0
    assert label(one(Reaction.CLICK), one(Reaction.DWELL, 2.0), one(Reaction.DWELL, 40.0, time=2.0)) == 0.7


def test_several_users_have_the_mean_and_an_expert_the_last_word() -> None:
    both = (one(Reaction.UP), one(Reaction.DOWN, user="ben"))
    assert label(*both) == 0.0
    judgement = judged(*both, one(Reaction.EXPERT_LABEL, 2.0, time=0.5))[0]
    assert (judgement.label, judgement.expert) == (0.7, True)


@pytest.mark.parametrize(
    ("reactions", "cited", "expected"),
    [
        ((), (), set()),
        ((feedback(3, Reaction.CLICK),), (), {1, 2, 3, 4}),
        ((feedback(5, Reaction.CLICK),), (), {1, 2, 3, 4, 5}),
        ((feedback(0, Reaction.ABANDONED),), (), {1}),
        ((feedback(0, Reaction.ABANDONED),), ("chunk-4",), {1, 4}),
        ((feedback(1, Reaction.UP),), ("chunk-4",), {1, 2, 4}),
        ((feedback(3, Reaction.EXPERT_LABEL, value=0.0),), (), {3}),
        ((feedback(4, Reaction.EXPERT_LABEL, value=0.0), feedback(1, Reaction.CLICK)), (), {1, 2, 4}),
    ],
)
def test_what_was_looked_at(
    reactions: tuple[FeedbackRecorded, ...], cited: tuple[str, ...], expected: set[int]
) -> None:
    found = judged(*reactions, cited=cited)
    assert {judgement.rank for judgement in found if judgement.examined} == expected
    assert {judgement.rank for judgement in found if judgement.cited} == {int(chunk[-1]) for chunk in cited}


def test_a_list_is_left_where_nothing_good_was_found() -> None:
    assert left(said(one(Reaction.REFORMULATED)))
    assert left(said(one(Reaction.CLICK), one(Reaction.ABANDONED)))
    assert not left(said(one(Reaction.COPY), one(Reaction.ABANDONED)))
    assert not left(said(one(Reaction.CLICK)))


@st.composite
def reactions(draw: st.DrawFn) -> list[FeedbackRecorded]:
    kinds = draw(st.lists(st.sampled_from(list(Reaction)), max_size=6))
    return [
        feedback(
            draw(st.integers(1, 5)),
            kind,
            feedback_id=str(place),
            user=draw(st.sampled_from(("ann", "ben"))),
            time=draw(st.integers(0, 3)),
            value=draw(st.integers(1, 3)),
        )
        for place, kind in enumerate(kinds)
    ]


@given(reactions(), st.randoms())
def test_labels_stay_within_bounds_and_do_not_depend_on_the_order(events: list[FeedbackRecorded], rng: object) -> None:
    judgements = judged(*events)
    assert all(-1.0 <= judgement.label <= 1.0 for judgement in judgements)
    rng.shuffle(events)  # type: ignore[attr-defined]
    assert judged(*events) == judgements


def test_items_stand_by_rank() -> None:
    shuffled: tuple[ImpressionItem, ...] = (item(2), item(1))
    assert [judgement.rank for judgement in judge(shuffled, (), ())] == [1, 2]
