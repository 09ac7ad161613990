"""Retrieve and feedback in one process: the shipped handlers and domain over a labelled set, without broker and store.

What is shown goes through retrieve's own search, with its policies; what users
do is joined and closed by feedback's own join, learned from by its own fold, and
what that gives reaches retrieve as the records of `models.v1` would bring it.
"""

import hashlib
import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from headwater_feedback.adapters.gate_memory import ListedOffers
from headwater_feedback.domain.adapters import AdapterLearner
from headwater_feedback.domain.bandits import BanditLearner, fusion_bandit
from headwater_feedback.domain.join import JoinState, Terms, advance, closing
from headwater_feedback.domain.learners import Trained
from headwater_feedback.domain.lessons import LEARN_BUCKET
from headwater_feedback.domain.ranker import RankerLearner
from headwater_feedback.handlers.conditions import Conditions
from headwater_feedback.handlers.learning import Entry, Learning, LearningPolicy, MakeLearner
from headwater_inference.ports import Encoder
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.codec.models import component_bytes
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Passage, Position, Principal, text_hash
from headwater_kit.core.impressions import FeedbackJoined, FeedbackRecorded, ImpressionClosed, Reaction
from headwater_kit.core.learning import GoldLabel, GoldQuestion, Learned, ModelPublished, ServingPolicy, Stamp
from headwater_kit.core.tenants import Erasures
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.adapters.memory import ImpressionList, ListedScripts, ListedSnapshots, TimedLog
from headwater_retrieve.domain.asking import Asking, AskingPolicy
from headwater_retrieve.domain.freshness import RecentChanges, Watermark
from headwater_retrieve.domain.learned import LearnedModels
from headwater_retrieve.domain.memory import Memory, MemoryPolicy
from headwater_retrieve.domain.policy import LearningPolicy as ServingShares
from headwater_retrieve.domain.query import Query
from headwater_retrieve.domain.reliability import Reliability
from headwater_retrieve.domain.results import ResultCache
from headwater_retrieve.events import ModelRecords
from headwater_retrieve.handlers import (
    Companions,
    Impressing,
    IndexProgress,
    LearnedRanking,
    Presenting,
    Ranker,
    Search,
    SearchPolicy,
    ShownVectors,
)
from headwater_retrieve.ports import QueryVector
from headwater_text.analysis import analyse
from headwater_text.highlights import find_terms
from headwater_text.phrases import sought
from headwater_vectors.ports import Hit, Legs, Model
from headwater_vectors.ports import Query as StoreQuery
from labelled import Labelled, embedded, measures
from legs import DenseLeg, LexicalLeg, best

TENANT = "acme"
LAYERS = ("memory", "ranker", "adapter", "bandit")
# Lists are shown so far apart, in seconds: 200 users who ask once in about three hours.
PACE_SECONDS = 60.0
NOTHING_OFF = ServingShares()
NO_RATINGS: Mapping[int, float] = {}


class World:
    """A labelled set as a store and an encoder: exact searches, whose vectors come from the cache."""

    def __init__(self, labelled: Labelled, encoder: Encoder, cache: Path) -> None:
        passages = {name: _hashed(passage) for name, passage in labelled.passages.items()}
        self.labelled = Labelled(passages, labelled.questions, labelled.relevant)
        self.model_id = encoder.card.model_id
        self._dense, self._lexical = DenseLeg(passages, encoder, cache), LexicalLeg(passages)
        self._dense.prepare(list(labelled.questions.values()))
        # What the lists are worth before anything is learned, once that was looked at.
        self.static: dict[str, float] = {}
        self._passages = list(passages.values())
        self._words = {analyse(sought(question)): question for question in labelled.questions.values()}
        self._found: dict[bytes | str, tuple[Hit, ...]] = {}
        vectors = zip(self._passages, self._dense.vectors, strict=True)
        self._by_row = {passage.chunk.chunk_id: vector.astype("<f4").tobytes() for passage, vector in vectors}

    def vector(self, question: str) -> np.ndarray:
        """A question's."""
        return self._dense.question(question)

    async def vectors(self, tenant: str, row_ids: Sequence[str], model_id: str) -> Mapping[str, bytes]:
        """See `headwater_vectors.ports.VectorReader`."""
        return {row_id: self._by_row[row_id] for row_id in row_ids if model_id == self.model_id}

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """See retrieve's `ports.QueryEncoder`."""
        return QueryVector(self.vector(text).astype("<f4").tobytes(), self.model_id)

    encode_stored = encode

    async def search(self, query: StoreQuery) -> Legs:
        """See `headwater_vectors.ports.VectorReader`; what was searched for once is remembered."""
        return Legs(self._nearest(query.vector) if query.vector else (), self._matching(query.terms))

    async def collection(self) -> tuple[str, Model]:
        """See `headwater_vectors.ports.VectorReader`."""
        return "bench", Model(self.model_id, self._dense.vectors.shape[1])

    async def passages(self, tenant: str, row_ids: Sequence[str]) -> Sequence[Passage]:
        """None: nobody reads on."""
        return ()

    def _nearest(self, vector: bytes) -> tuple[Hit, ...]:
        if vector not in self._found:
            scores = self._dense.vectors @ np.frombuffer(vector, dtype="<f4")
            found = tuple(best(self._passages, scores, np.ones(len(scores), dtype=bool)))
            # Turned vectors change with each adapter: what they found is not found again.
            if len(self._found) > 4 * len(self._words):
                self._found.clear()
            self._found[vector] = found
        return self._found[vector]

    def _matching(self, terms: str) -> tuple[Hit, ...]:
        if terms not in self._found:
            self._found[terms] = tuple(self._lexical.search(self._words[terms]))
        return self._found[terms]


@dataclass(frozen=True, slots=True)
class Shown:
    """A list that a user saw: the documents, how relevant each is, and what it is worth."""

    impression_id: str
    question: str
    user: str
    documents: tuple[str, ...]
    grades: tuple[int, ...]
    ndcg: float
    rating_wanted: int = 0


class Platform:
    """Retrieve and feedback over a world; `layers` are served, ungated. `vectors`: of which lists adapters get them."""

    def __init__(
        self,
        world: World,
        layers: Sequence[str] = LAYERS,
        *,
        shown: int = 10,
        shares: ServingShares = NOTHING_OFF,
        gold: Sequence[str] = (),
        vectors: Collection[ServingPolicy] = LEARN_BUCKET,
        asked: float = 0.0,
    ) -> None:
        self._asking = Asking(AskingPolicy(asked, per_day=1_000_000))
        self._vectors = ShownVectors(world, vectors)  # type: ignore[arg-type]
        self._world = world
        self._layers = layers
        self._depth = shown
        self._clock = ManualClock()
        self._impressions = ImpressionList()
        self._memory, self._models = Memory(MemoryPolicy()), LearnedModels()
        results: ResultCache[object] = ResultCache(self._clock, 0, 0.0)
        self._records = ModelRecords(self._memory, self._models, ListedSnapshots(), results)  # type: ignore[arg-type]
        self._search = self._searching(shares, results)
        self._conditions = Conditions(Erasures())
        for question in gold:
            self._conditions.put_gold(question.encode(), self._gold(question))
        self._gates = ListedOffers()
        self.learning = Learning(self._conditions, LearningPolicy(), self._gates, makers(layers))
        self.learning.is_live = True
        self.entries: list[Entry] = []
        self.offered: list[Trained] = []
        self._offset = itertools.count()
        self._ids = itertools.count()

    async def show(self, key: str, user: str) -> Shown:
        """Asks a question of the set as a user."""
        return await self._asked(Query(self._world.labelled.questions[key], top_k=self._depth), key, user)

    async def best(self, key: str) -> Shown:
        """The best list known for it, which nobody sees; of it nothing is learned."""
        query = Query(self._world.labelled.questions[key], top_k=10, exploit_only=True)
        shown = await self._asked(query, key, "judge")
        self._impressions.impressions.pop()
        return shown

    def react(self, shown: Shown, ranks: Sequence[int], ratings: Mapping[int, float] = NO_RATINGS) -> None:
        """What the user of the last list did with it; then it is closed, and all that follows is served."""
        impression = self._impressions.impressions.pop()
        state = advance(JoinState(self._clock.now()), impression, Terms()).state
        said = [(rank, Reaction.CLICK, 0.0) for rank in ranks]
        for rank, reaction, value in (*said, *((rank, Reaction.RATING, value) for rank, value in ratings.items())):
            name, shown_id = f"{shown.impression_id}-{rank}", shown.impression_id
            feedback = FeedbackRecorded(name, shown_id, TENANT, shown.user, reaction, rank, state.since, value)
            step = advance(state, feedback, Terms())
            state = step.state
            for joined in step.joined:
                self._learn(joined, name)
        self._learn(closing(state, Terms()), shown.impression_id)
        self._serve()

    async def pause(self, seconds: float = PACE_SECONDS) -> None:
        """Lets time pass."""
        await self._clock.advance(seconds)

    def replayed(self) -> str:
        """Hash of all that a fresh fold of the same examples learns."""
        gates = ListedOffers()
        learning = Learning(self._conditions, LearningPolicy(), gates, makers(self._layers))
        digest = hashlib.sha256()
        for entry in self.entries:
            learning.take(entry)
        for trained in gates.listed:
            digest.update(component_bytes(trained.learned))
        for tenant, name in sorted(learning.memories()):
            found = learning.memory(tenant, name)
            digest.update(component_bytes(found[0]) if found else b"-")
        return digest.hexdigest()

    async def _asked(self, query: Query, key: str, user: str) -> Shown:
        deadline = Deadline.after(self._clock, 60.0)
        found = await self._search.search(query, Principal(TENANT, user), deadline)
        documents = tuple(passage.document_id for passage in found.passages)
        relevant = self._world.labelled.relevant[key]
        grades = tuple(relevant.get(name, 0) for name in documents)
        ndcg = float(measures(documents, relevant)[0])
        return Shown(found.impression_id, key, user, documents, grades, ndcg, found.rating_wanted)

    def _learn(self, event: FeedbackJoined | ImpressionClosed, key: str) -> None:
        position = Position(0, len(self.entries) + 1)
        entry = Entry(TENANT, f"{TENANT}\x1f{type(event).__name__}\x1f{key}".encode(), position, event)
        self.entries.append(entry)
        self.learning.take(entry)

    def _serve(self) -> None:
        news = self.learning.news
        for tenant, name in list(news.clusters) if "memory" in self._layers else ():
            found = self.learning.memory(tenant, name)
            self._publish(name, found[0] if found else None)
        for trained in self._gates.listed:
            self.offered.append(trained)
            self._publish(trained.learned.part, trained.learned)
        news.clusters.clear()
        self._gates.listed.clear()

    def _publish(self, part: str, learned: Learned | None) -> None:
        component = learned.component if learned else "memory"
        key, value = f"{TENANT}\x1f{component}\x1f{part}".encode(), None
        if learned is not None:
            snapshot = hashlib.sha256(component_bytes(learned)).hexdigest()
            value = encode(ModelPublished(learned, self._clock.now(), Stamp(snapshot[:32], sha256=snapshot)))
        offset, now = next(self._offset), self._clock.now()
        self._records.apply(Record(topics.MODELS.name, 0, offset, key, value, IS_PROTOBUF, now))

    def _searching(self, shares: ServingShares, results: ResultCache[object]) -> Search:
        clock, world = self._clock, self._world
        return Search(
            world,  # type: ignore[arg-type]
            world,
            analyse,
            Impressing(self._impressions, clock, vectors=self._vectors),
            ranker=Ranker(Reliability(), [LearnedRanking(analyse, clock)], clock=clock),
            progress=IndexProgress(Watermark(), TimedLog(), clock),
            changes=RecentChanges(clock),
            memory=self._memory,
            models=self._models,
            clock=clock,
            new_id=lambda: f"impression-{next(self._ids)}",
            policy=SearchPolicy(learning=shares),
            presenting=Presenting(world, analyse, find_terms, clock),  # type: ignore[arg-type]
            results=results,  # type: ignore[arg-type]
            beside=Companions((), world, ListedScripts({}), world, clock=clock, seconds=1.0),  # type: ignore[arg-type]
            asking=self._asking,
        )

    def _gold(self, key: str) -> GoldQuestion:
        labelled = self._world.labelled
        labels = tuple(GoldLabel(name, 3) for name in labelled.relevant[key])
        return GoldQuestion(TENANT, labelled.questions[key], labels, "editor", self._clock.now())


def makers(layers: Sequence[str]) -> list[MakeLearner]:
    """The learners of these layers, the click memory being the fold's own."""
    made: Mapping[str, MakeLearner] = {
        "ranker": RankerLearner,
        "adapter": AdapterLearner,
        "bandit": lambda tenant: BanditLearner(tenant, fusion_bandit()),
    }
    return [made[layer] for layer in layers if layer in made]


def _hashed(passage: Passage) -> Passage:
    text = embedded(passage)
    return replace(passage, chunk=replace(passage.chunk, text_hash=text_hash(text), token_count=len(text) // 4))
