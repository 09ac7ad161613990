"""What a person is asked to look at, and when no more."""

from dataclasses import replace

import pytest
from headwater_feedback.domain.opinions import Example
from headwater_feedback.handlers.conditions import Conditions
from headwater_feedback.handlers.reviewing import Reviews
from headwater_kit.codec.reviews import review_from_proto, review_to_proto
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackQuarantined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    Judgement,
    Reaction,
    UserForgotten,
)
from headwater_kit.core.learning import GoldLabel, GoldQuestion
from headwater_kit.core.reviews import ReviewItem, ReviewKind
from headwater_kit.core.tenants import Erasures, TenantErased

from tests.unit.services.feedback.examples import shown


class Board:
    """Reviews with what they go by."""

    def __init__(self) -> None:
        self.erasures = Erasures()
        self.conditions = Conditions(self.erasures)
        self.reviews = Reviews(self.conditions, self.erasures)

    def take(self, *examples: Example) -> None:
        for example in examples:
            self.reviews.take("acme", example.impression.impression_id.encode(), example)

    def of(self, kind: ReviewKind | None = None) -> list[ReviewItem]:
        return list(self.reviews.of("acme", kind))


def said(user: str, reaction: Reaction, *, value: float = 0.0, text: str = "") -> FeedbackJoined:
    impression = shown(user, time=10.0)
    name = impression.impression_id
    feedback = FeedbackRecorded(f"by {user}", name, "acme", user, reaction, 1, 11.0, value, text)
    return FeedbackJoined(feedback, impression, impression.items)


def gold(query: str = "q") -> GoldQuestion:
    return GoldQuestion("acme", query, (GoldLabel("doc", 3),), "op", 1.0)


def dispute() -> tuple[FeedbackJoined, ...]:
    return (said("ann", Reaction.UP), said("bob", Reaction.DOWN), said("cy", Reaction.CLICK))


def test_users_who_disagree_make_an_item_without_their_names() -> None:
    board = Board()
    board.take(*dispute())
    (item,) = board.of()
    assert (item.kind, item.document_id, item.rank) == (ReviewKind.CONTESTED, "doc", 1)
    assert (item.users_for, item.users_against, item.count) == (2, 1, 3)
    assert review_from_proto(review_to_proto(item)) == item


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_few_do_not_make_a_dispute(count: int) -> None:
    board = Board()
    board.take(*dispute()[:count])
    assert board.of() == []


def test_whom_many_agree_with_is_not_disputed() -> None:
    board = Board()
    board.take(*(said(f"user {number}", Reaction.UP) for number in range(9)), said("bob", Reaction.DOWN))
    assert board.of() == []


def test_an_experts_label_settles_a_dispute() -> None:
    board = Board()
    board.take(*dispute(), said("op", Reaction.EXPERT_LABEL, value=3.0))
    assert board.of() == []


def test_a_correction_is_shown_until_its_question_is_gold() -> None:
    board = Board()
    board.take(said("ann", Reaction.CORRECTION, text="at nine"))
    (item,) = board.of()
    assert (item.kind, item.text, item.query) == (ReviewKind.CORRECTION, "at nine", "q")
    board.conditions.put_gold(b"acme", gold())
    assert board.of() == []


def test_an_amended_list_that_was_of_use_is_unanswered_no_more() -> None:
    board = Board()
    board.take(ImpressionClosed(shown("ann"), (), 1, 20.0, abandoned=True))
    assert [item.kind for item in board.of()] == [ReviewKind.UNANSWERED]
    board.take(ImpressionClosed(shown("ann"), (), 2, 30.0))
    assert board.of() == []


def test_what_was_put_aside_is_counted_by_reason_and_its_text_not_shown() -> None:
    board = Board()
    for number in range(3):
        said_there = said("ann", Reaction.CORRECTION, text="secret").feedback
        board.reviews.put_aside(FeedbackQuarantined(said_there, "FLOOD", f"no. {number}", float(number)))
    (item,) = board.of(ReviewKind.QUARANTINED)
    assert (item.reason, item.detail, item.count, item.text) == ("FLOOD", "no. 2", 3, "")


def test_what_is_forgotten_taken_back_or_erased_is_not_shown() -> None:
    board = Board()
    board.take(said("ann", Reaction.CORRECTION, text="a"), said("bob", Reaction.CORRECTION, text="b"))
    board.conditions.forget(UserForgotten("acme", "ann", 50.0))
    assert [item.text for item in board.of()] == ["b"]
    board.reviews.take("acme", b"bob q 10.0", None)
    assert board.of() == []
    board.take(said("cy", Reaction.CORRECTION, text="c"))
    board.erasures.apply(TenantErased("acme", 60.0))
    assert board.of() == []


def test_another_tenant_sees_nothing_and_a_wild_limit_is_refused() -> None:
    board = Board()
    board.take(*dispute())
    assert list(board.reviews.of("globex")) == []
    with pytest.raises(InvalidInput, match="limit"):
        board.reviews.of("acme", limit=501)


def doubtful(number: int, scores: tuple[float, float] = (3.0, 2.9), *, label: float = 0.0) -> ImpressionClosed:
    """A list whose second passage meaning puts first, and words do not."""
    impression = shown(f"user {number}", time=10.0)
    parts = (ScoreParts(dense=0.5, lexical=9.0), ScoreParts(dense=0.6, lexical=1.0))
    items = tuple(
        ImpressionItem(f"c{rank}", f"doc {rank}", 1, f"hash {rank}", rank, score, part, vector=b"12345")
        for rank, (score, part) in enumerate(zip(scores, parts, strict=True), 1)
    )
    return ImpressionClosed(replace(impression, items=items), (Judgement(1, label, examined=True),), 1, 20.0)


def test_a_question_whose_first_passages_are_in_doubt_is_listed_until_somebody_says_which() -> None:
    board = Board()
    board.take(doubtful(1), doubtful(2))
    (item,) = board.of(ReviewKind.UNCERTAIN)
    assert (item.query, item.rank, item.document_id, item.count) == ("q", 2, "doc 2", 2)
    assert review_from_proto(review_to_proto(item)) == item
    board.take(said("op", Reaction.EXPERT_LABEL, value=3.0))
    assert board.of(ReviewKind.UNCERTAIN) == []


@pytest.mark.parametrize("closed", [doubtful(1, (3.0, 2.0)), doubtful(1, label=1.0)])
def test_a_list_that_scores_or_a_user_decide_is_not_in_doubt(closed: ImpressionClosed) -> None:
    board = Board()
    board.take(closed)
    assert board.of(ReviewKind.UNCERTAIN) == []


def test_a_doubt_goes_with_a_later_revision_with_gold_and_with_its_user() -> None:
    board = Board()
    key = b"acme\x1fi\x1fuser\x1f\x1f"
    board.reviews.take("acme", key + b"1", doubtful(1))
    board.reviews.take("acme", key + b"2", doubtful(1, label=1.0))
    assert board.of(ReviewKind.UNCERTAIN) == []
    board.take(doubtful(2))
    assert len(board.of(ReviewKind.UNCERTAIN)) == 1
    board.conditions.put_gold(b"acme", gold())
    assert board.of(ReviewKind.UNCERTAIN) == []
