"""Answers that were liked better than others to the same question, as preference pairs (DPO, Rafailov et al., 2023)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product

from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import FeedbackJoined, Reaction
from headwater_kit.core.questions import question_key

# Of one question: a hundred answers would make thousands of pairs that say the same.
MAX_PAIRS = 20
MIDDLE = 3.0
Texts = Mapping[tuple[str, str], str]
Row = Mapping[str, object]


def preferred(
    answers: Sequence[AnswerGenerated], reactions: Sequence[FeedbackJoined], texts: Texts, *, corrections: bool
) -> Iterator[Row]:
    """Answers that more users were for than against before those with more against; each user's last word counts.

    `corrections`: what a user wrote to be right, before the answer that it was
    written to. `passages` are the texts that were shown with what is chosen.
    """
    by_id = {one.answer_id: one for one in answers if one.text and one.refusal is None}
    said: defaultdict[str, dict[str, FeedbackJoined]] = defaultdict(dict)
    for one in sorted(reactions, key=lambda each: each.feedback.time):
        if one.feedback.impression_id in by_id and _opinion(one):
            said[one.feedback.impression_id][one.feedback.user] = one
    worth = {name: sum(map(_opinion, words.values())) for name, words in said.items()}
    shown = {one.feedback.impression_id: _passages(one, texts) for one in reactions}
    yield from _rated(by_id, worth, shown)
    for one in reactions if corrections else ():
        answer = by_id.get(one.feedback.impression_id)
        if answer is not None and one.feedback.reaction is Reaction.CORRECTION and one.feedback.text != answer.text:
            yield _row(answer, one.feedback.text, shown[answer.answer_id], "correction", rejected=answer.text)


def _rated(
    by_id: Mapping[str, AnswerGenerated], worth: Mapping[str, float], shown: Mapping[str, list[str]]
) -> Iterator[Row]:
    questions: defaultdict[str, list[AnswerGenerated]] = defaultdict(list)
    for name in worth:
        questions[question_key(by_id[name].question)].append(by_id[name])
    for same in questions.values():
        good = [one for one in same if worth[one.answer_id] > 0]
        bad = [one for one in same if worth[one.answer_id] < 0]
        pairs = ((one, other) for one, other in product(good, bad) if one.text != other.text)
        for one, other in islice(pairs, MAX_PAIRS):
            yield _row(one, one.text, shown.get(one.answer_id, []), "rating", rejected=other.text)


def _row(answer: AnswerGenerated, chosen: str, passages: list[str], source: str, *, rejected: str) -> Row:
    return {
        "prompt": answer.question,
        "chosen": chosen,
        "rejected": rejected,
        "passages": passages,
        "source": source,
    }


def _opinion(joined: FeedbackJoined) -> float:
    """1 for an answer as a whole, -1 against it; 0 of what says neither."""
    said = joined.feedback
    if said.rank:
        return 0.0
    match said.reaction:
        case Reaction.UP:
            return 1.0
        case Reaction.DOWN:
            return -1.0
        case Reaction.RATING:
            return float((said.value > MIDDLE) - (said.value < MIDDLE))
        case _:
            return 0.0


def _passages(joined: FeedbackJoined, texts: Texts) -> list[str]:
    found = (texts.get((item.document_id, item.text_hash)) for item in joined.impression.items)
    return [text for text in found if text]
