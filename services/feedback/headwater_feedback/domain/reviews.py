"""What of a tenant's examples and of what was put aside a person should look at."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackQuarantined,
    ImpressionClosed,
    ImpressionRecorded,
    Reaction,
)
from headwater_kit.core.questions import question_key
from headwater_kit.core.reviews import ReviewItem, ReviewKind

from headwater_feedback.domain.opinions import Ballot, Example, PassageName, Strength, ballots

# Fewer than so many users do not make a dispute, and no more than this share of them may have the upper hand.
MIN_USERS = 3
CONTESTED_SHARE = 0.2
# Scores nearer than this, in standard deviations of a leg, hardly tell which passage is the better one.
NEAR_SCORE = 0.25


def contested(examples: Iterable[Example]) -> Iterator[ReviewItem]:
    """Passages on whose worth for a question users nearly cancel out, and no expert has said a word."""
    last: defaultdict[tuple[str, PassageName], dict[str, Ballot]] = defaultdict(dict)
    latest: dict[tuple[str, PassageName], FeedbackJoined] = {}
    for example in examples:
        if not isinstance(example, FeedbackJoined):
            continue
        for ballot in ballots(example):
            place = (question_key(example.impression.query), ballot.passage)
            before = last[place].get(ballot.voter)
            if ballot.vote.outdoes(before.vote if before else None):
                last[place][ballot.voter] = ballot
            latest[place] = example
    for (key, passage), votes in last.items():
        item = _disputed(passage, votes.values(), latest[key, passage])
        if item is not None:
            yield item


def corrections(examples: Iterable[Example], settled: Collection[str]) -> Iterator[ReviewItem]:
    """What users wrote to be right, but to questions that are `settled`, by `question_key`."""
    for example in examples:
        if not isinstance(example, FeedbackJoined) or example.feedback.reaction is not Reaction.CORRECTION:
            continue
        said, query = example.feedback, example.impression.query
        if question_key(query) not in settled:
            yield ReviewItem(
                ReviewKind.CORRECTION, said.impression_id, said.time, query=query, rank=said.rank, text=said.text
            )


def unanswered(examples: Iterable[Example], settled: Collection[str]) -> Iterator[ReviewItem]:
    """Questions whose lists were left without anything of use, but those that are `settled`."""
    left: defaultdict[str, list[ImpressionRecorded]] = defaultdict(list)
    for example in examples:
        if isinstance(example, ImpressionClosed) and example.abandoned:
            left[question_key(example.impression.query)].append(example.impression)
    for key, lists in left.items():
        if key not in settled:
            last = max(lists, key=lambda one: one.show_time)
            yield ReviewItem(
                ReviewKind.UNANSWERED, last.impression_id, last.show_time, query=last.query, count=len(lists)
            )


def in_doubt(closed: ImpressionClosed) -> bool:
    """Whether nobody said what comes first of a list, and neither do scores nor legs."""
    first = sorted(closed.impression.items, key=lambda item: item.rank)[:2]
    is_told = any(judged.label or judged.expert for judged in closed.judgements)
    if is_told or len(first) < 2 or abs(first[0].score - first[1].score) >= NEAR_SCORE:
        return False
    best = [_first(closed.impression, leg) for leg in ("dense", "lexical")]
    return None not in best and best[0] != best[1]


def uncertain(doubtful: Iterable[ImpressionClosed], examples: Iterable[Example]) -> Iterator[ReviewItem]:
    """Questions whose lists are `in_doubt`, but those that an expert has said something about."""
    settled = {
        question_key(each.impression.query)
        for each in examples
        if isinstance(each, FeedbackJoined) and each.feedback.reaction is Reaction.EXPERT_LABEL
    }
    lists: defaultdict[str, list[ImpressionRecorded]] = defaultdict(list)
    for closed in doubtful:
        lists[question_key(closed.impression.query)].append(closed.impression)
    for key, shown in lists.items():
        if key not in settled:
            last = max(shown, key=lambda one: one.show_time)
            second = min((item for item in last.items if item.rank > 1), key=lambda item: item.rank)
            yield ReviewItem(
                *(ReviewKind.UNCERTAIN, last.impression_id, last.show_time, last.query),
                rank=second.rank,
                document_id=second.document_id,
                count=len(shown),
            )


def quarantined(aside: Iterable[FeedbackQuarantined]) -> Iterator[ReviewItem]:
    """One item a reason, with its latest. What was written is not shown: it may be another tenant's."""
    by_reason: defaultdict[str, list[FeedbackQuarantined]] = defaultdict(list)
    for one in aside:
        by_reason[one.reason].append(one)
    for reason, those in by_reason.items():
        last = max(those, key=lambda one: one.time)
        yield ReviewItem(
            ReviewKind.QUARANTINED,
            last.feedback.impression_id,
            last.time,
            rank=last.feedback.rank,
            reason=reason,
            detail=last.detail,
            count=len(those),
        )


def in_order(items: Iterable[ReviewItem]) -> Sequence[ReviewItem]:
    """What rests on most first, and of those the latest."""
    return sorted(items, key=lambda item: (-item.count, -item.time, item.impression_id, item.rank))


def _first(shown: ImpressionRecorded, leg: str) -> int | None:
    """The rank of the passage that a leg would put first; None where it found none of them."""
    scored = [(score, -item.rank) for item in shown.items if (score := getattr(item.parts, leg)) is not None]
    return -max(scored)[1] if scored else None


def _disputed(passage: PassageName, cast: Collection[Ballot], example: FeedbackJoined) -> ReviewItem | None:
    votes = [one.vote for one in cast if one.voter != ANONYMOUS and one.vote.value != 0.0]
    ups = sum(vote.value > 0.0 for vote in votes)
    downs = len(votes) - ups
    has_expert = any(one.vote.strength is Strength.EXPERT for one in cast)
    if has_expert or len(votes) < MIN_USERS or abs(ups - downs) > max(1.0, CONTESTED_SHARE * len(votes)):
        return None
    rank = next(item.rank for item in example.items if item.text_hash == passage.text_hash)
    return ReviewItem(
        ReviewKind.CONTESTED,
        example.impression.impression_id,
        max(vote.time for vote in votes),
        query=example.impression.query,
        rank=rank,
        document_id=passage.document_id,
        users_for=ups,
        users_against=downs,
        count=len(votes),
    )
