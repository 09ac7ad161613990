"""Lists, answers and reactions, made up: early, late, repeated, and some from who may not react."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from headwater_kit.bus import topics
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, ScoreParts
from headwater_kit.core.events import AnswerGenerated, Citation
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionItem, ImpressionRecorded, Reaction

ITEMS = 10
DIMENSION = 384
TENANTS = ("acme", "globex", "initech")
VALUES = {Reaction.DWELL: 31.5, Reaction.RATING: 4.0, Reaction.EXPERT_LABEL: 2.0}


@dataclass(frozen=True)
class Sent:
    """A record, to be produced at its turn."""

    turn: float
    topic: str
    impression_id: str
    event: ImpressionRecorded | AnswerGenerated | FeedbackRecorded


def story(count: int, base: int, seed: int) -> list[Sent]:
    """All records in their order; times are whole quarters of a second from `base`, so that runs can be compared."""
    rng = random.Random(seed)
    records = [sent for number in range(count) for sent in _life(number, count, base, rng)]
    return sorted(records, key=lambda sent: sent.turn)


def _life(number: int, count: int, base: int, rng: random.Random) -> Iterator[Sent]:
    name, turn = f"list-{number:06}", float(number)
    tenant, user = rng.choice(TENANTS), f"user-{rng.randrange(200)}"
    shown = _shown(name, tenant, user, base, rng)
    yield Sent(turn, topics.IMPRESSIONS.name, name, shown)
    if shown.for_answer:
        later = rng.choice((0.5, 0.5, 40.0))
        yield Sent(turn + later, topics.ANSWERS.name, name, _answer(shown, rng))
    for place in range(rng.choice((0, 0, 1, 1, 2, 3))):
        said = _said(f"{name}-{place}", shown, rng)
        # Early ones, ones in time, and ones that come when most lists are closed.
        at = turn + rng.choice((-20.0, -1.0, 1.0, 50.0)) if rng.random() < 0.8 else count + turn / 10
        for again in range(rng.choice((1, 1, 1, 2))):
            yield Sent(at + 5 * again, topics.FEEDBACK.name, name, said)


def _shown(name: str, tenant: str, user: str, base: int, rng: random.Random) -> ImpressionRecorded:
    items = tuple(
        ImpressionItem(f"{name}-{rank}", f"doc-{rank}", 1, f"hash-{rank}", rank, 1.0 / rank, ScoreParts(), (0.5,) * 12)
        for rank in range(1, ITEMS + 1)
    )
    return ImpressionRecorded(
        name, tenant, user, f"question {name}", _vector(rng), "model", items, float(base),
        for_answer=rng.random() < 0.5,
    )  # fmt: skip


def _vector(rng: random.Random) -> bytes:
    return struct.pack(f"<{DIMENSION}f", *(rng.uniform(-0.1, 0.1) for _ in range(DIMENSION)))


def _answer(shown: ImpressionRecorded, rng: random.Random) -> AnswerGenerated:
    cited = [
        Citation(number, _passage(item), "text", 0, 4) for number, item in enumerate(rng.sample(shown.items, 2), 1)
    ]
    return AnswerGenerated(
        shown.impression_id, shown.tenant, shown.user, shown.query, "text", tuple(cited), None, "extractive",
        shown.show_time,
    )  # fmt: skip


def _passage(item: ImpressionItem) -> Passage:
    return Passage(Chunk(item.chunk_id, 0, "text", (), 0, 4, 1, "h"), item.document_id, 1, DocumentInfo())


def _said(name: str, shown: ImpressionRecorded, rng: random.Random) -> FeedbackRecorded:
    reaction = rng.choice([one for one in Reaction if one is not Reaction.CORRECTION])
    stranger = rng.random()
    return FeedbackRecorded(
        feedback_id=name,
        impression_id=shown.impression_id,
        tenant="elsewhere" if stranger < 0.02 else shown.tenant,
        user="stranger" if stranger > 0.98 else shown.user,
        reaction=reaction,
        rank=rng.choice((0, 1, 2, 3, 5, 99)),
        time=shown.show_time + rng.randrange(4 * 60) / 4,
        value=VALUES.get(reaction, 0.0),
    )
