"""What is shown and reacted to in the tests of feedback."""

from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, ScoreParts
from headwater_kit.core.events import AnswerGenerated, Citation
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionItem, ImpressionRecorded, Reaction


def item(rank: int) -> ImpressionItem:
    return ImpressionItem(f"chunk-{rank}", f"doc-{rank}", 1, f"hash-{rank}", rank, 1.0, ScoreParts())


def impression(for_answer: bool = False, user: str = "ann", items: int = 3) -> ImpressionRecorded:
    shown = tuple(item(rank) for rank in range(1, items + 1))
    return ImpressionRecorded("i", "acme", user, "q", b"", "m", shown, 0.0, for_answer)


def answer(*ranks: int, time: float = 0.0) -> AnswerGenerated:
    def cite(number: int, rank: int) -> Citation:
        passage = Passage(Chunk(f"chunk-{rank}", 0, "text", (), 0, 4, 1, "h"), f"doc-{rank}", 1, DocumentInfo())
        return Citation(number, passage, "text", 0, 4)

    cited = tuple(cite(number, rank) for number, rank in enumerate(ranks, 1))
    return AnswerGenerated("i", "acme", "ann", "q", "a", cited, None, "extractive", time)


def feedback(
    rank: int = 0,
    reaction: Reaction = Reaction.UP,
    *,
    tenant: str = "acme",
    feedback_id: str = "f",
    user: str = "ann",
    time: float = 1.0,
    value: float = 0.0,
) -> FeedbackRecorded:
    return FeedbackRecorded(feedback_id, "i", tenant, user, reaction, rank, time, value)
