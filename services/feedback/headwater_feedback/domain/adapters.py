"""Adapters: a small turn of question vectors, a topic at a time, towards the passages that were liked there.

Of a topic's questions q, each with the mean vector of what was liked and what
was passed over, the sum of (liked - passed over) qᵀ is the direction in which
the cosines' gap grows fastest; its two strongest singular directions are the
adapter, q + U (V q). So a question is turned as far as it is like those that
the topic has seen, and no adapter has a say outside its topic.

The vectors of passages come with the lists that have them, and are remembered by
text: so what is learned follows from the examples alone, also of documents that
are gone since.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from headwater_kit.core.bytevectors import from_bytes
from headwater_kit.core.impressions import ImpressionItem
from headwater_kit.core.learning import Adapter, AdapterModel, ServingPolicy

from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.lessons import Lesson, Lessons
from headwater_feedback.domain.preferences import Floats
from headwater_feedback.domain.topics import Opinion, Topic, nearest, unpacked

# Numbers are given to so many decimals: what processors differ in stays below, and float32 has no more.
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class AdapterPolicy:
    """How adapters are learned.

    `policies`: of which lists; of all, as what is liked is counted by users and
    not by places. `topic_cosine`: from which a question belongs to a topic; by
    the default encoder, questions of one field have 0.5 to 0.7. `rank`:
    directions an adapter has. `strength`: how far it turns.
    `min_questions`: questions with something liked that a topic needs for an adapter.
    `min_users`: users for a passage, less those against it, from which it is liked.
    `max_topics`, `max_questions` of a topic, `max_users` of a passage,
    `max_passages`: what is remembered; what comes later is passed over.
    `offer_every`: lists between two offers.
    """

    policies: frozenset[ServingPolicy] = frozenset(ServingPolicy)
    topic_cosine: float = 0.45
    rank: int = 2
    strength: float = 4.0
    min_questions: int = 20
    min_users: int = 2
    max_topics: int = 64
    max_questions: int = 1_000
    max_users: int = 50
    max_passages: int = 50_000
    offer_every: int = 500


class AdapterLearner:
    """`domain.learners.Learner` of a tenant's adapters; of questions by one model, the last one seen."""

    def __init__(self, tenant: str, policy: AdapterPolicy | None = None) -> None:
        self._tenant = tenant
        self._policy = policy or AdapterPolicy()
        self._lessons = Lessons(self._policy.policies)
        self._model_id = ""
        self._topics: list[Topic] = []
        # By text hash, in 8 bits a number.
        self._vectors: dict[str, bytes] = {}
        self._lists = 0

    def take(self, example: Example) -> Sequence[Trained]:
        """See `domain.learners.Learner`. Chance has no part in it."""
        lesson = self._lessons.of(example)
        if lesson is None or not lesson.closed.impression.query_vector:
            return ()
        self._hear(lesson)
        self._lists += 1
        if self._lists % self._policy.offer_every:
            return ()
        adapters = tuple(self._adapters())
        if not adapters:
            return ()
        model = AdapterModel(self._tenant, self._model_id, adapters)
        metrics = {"topics": float(len(self._topics)), "adapters": float(len(adapters))}
        return (Trained(model, example.position, self._lists, metrics=metrics),)

    def _hear(self, lesson: Lesson) -> None:
        impression = lesson.closed.impression
        if impression.model_id != self._model_id:
            # Another model's vectors mean something else.
            self._model_id, self._topics, self._vectors = impression.model_id, [], {}
        judged = lesson.judgements
        known = [item for item in impression.items if item.rank in judged and self._knows(item)]
        opinion = self._opinion(impression.query_vector) if known else None
        if opinion is None:
            return
        for item in known:
            label = judged[item.rank].label
            opinion.say(item.text_hash, impression.pseudonym or impression.user, label, self._policy.max_users)

    def _knows(self, item: ImpressionItem) -> bool:
        """Whether the passage's vector is known, as it is once it came with a list."""
        if item.vector and len(self._vectors) < self._policy.max_passages:
            self._vectors.setdefault(item.text_hash, item.vector)
        return item.text_hash in self._vectors

    def _opinion(self, packed: bytes) -> Opinion | None:
        policy, vector = self._policy, unpacked(packed)
        topic = nearest(self._topics, vector, policy.topic_cosine)
        if topic is None:
            if len(self._topics) >= policy.max_topics:
                return None
            topic = Topic(vector)
            self._topics.append(topic)
        if packed not in topic.opinions and len(topic.opinions) >= policy.max_questions:
            return None
        return topic.opinions.setdefault(packed, Opinion(vector))

    def _adapters(self) -> list[Adapter]:
        made = [self._adapter(number, topic) for number, topic in enumerate(self._topics)]
        return [adapter for adapter in made if adapter is not None]

    def _adapter(self, number: int, topic: Topic) -> Adapter | None:
        gaps = [(self._gap(opinion), opinion.vector) for opinion in topic.opinions.values()]
        told = [(gap, vector) for gap, vector in gaps if gap is not None]
        if len(told) < self._policy.min_questions:
            return None
        pull = np.zeros((len(topic.leader), len(topic.leader)))
        for gap, vector in told:
            pull += np.outer(gap, vector)
        pull /= len(told)
        u, v = strongest(pull, self._policy.rank)
        return Adapter(
            f"topic-{number}",
            _packed(topic.centre),
            self._policy.topic_cosine,
            self._policy.rank,
            _packed(self._policy.strength * u),
            _packed(v),
        )

    def _gap(self, opinion: Opinion) -> Floats | None:
        """From the middle of what was passed over to that of what was liked; None where either is not known."""
        liked, others = [], []
        for text_hash in opinion.labels:
            vector, votes = unpacked(from_bytes(self._vectors[text_hash])), opinion.liked(text_hash)
            if len(vector) != len(opinion.vector):
                continue
            if votes >= self._policy.min_users:
                liked.append(vector)
            elif votes <= 0:
                others.append(vector)
        if not liked or not others:
            return None
        return np.asarray(np.mean(liked, axis=0) - np.mean(others, axis=0))


def strongest(pull: Floats, rank: int) -> tuple[Floats, Floats]:
    """The strongest directions of a matrix as U (scaled) and V, whose product is nearest to it at this rank."""
    u, sizes, v = np.linalg.svd(pull)
    # A pair of directions may as well both be turned about: the largest number of V's is made positive.
    signs = np.sign(v[np.arange(rank), np.abs(v[:rank]).argmax(axis=1)])
    return u[:, :rank] * (sizes[:rank] * signs), v[:rank] * signs[:, None]


def _packed(numbers: Floats) -> bytes:
    return np.round(numbers, DECIMALS).astype("<f4").tobytes()
