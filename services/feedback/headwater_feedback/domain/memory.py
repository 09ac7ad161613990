"""Click memory: what users made of the passages shown for a question and its paraphrases.

Questions are clustered by their vectors, each around the first one of its kind
(leader clustering, Hartigan 1975): it needs no second pass, so the same records
give the same clusters, byte for byte.
"""

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from operator import mul

from headwater_kit.core.impressions import FeedbackJoined, Reaction
from headwater_kit.core.learning import ClickMemory, PassageVotes

# Cosine from which two questions ask the same, for bge-small; belongs to the encoder.
SAME_QUESTION_COSINE = 0.86
# A cluster remembers this many passages; the oldest voted on goes first.
MAX_PASSAGES = 64
# Votes kept a passage; past that, one more changes nothing that can be seen.
MAX_VOTERS = 1_000

# What a reaction is as a vote; others are none.
VALUES = {Reaction.UP: 1, Reaction.CLICK: 1, Reaction.DOWN: -1}


@dataclass(frozen=True, slots=True, order=True)
class PassageName:
    """A passage across versions of its document: it lives as long as its text does."""

    document_id: str
    text_hash: str


@dataclass(frozen=True, slots=True)
class Vote:
    """A user's last word on a passage: 1 or -1, at a time in seconds since the epoch."""

    value: int
    time: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """A question, its paraphrases, and the votes on what they were shown."""

    tenant: str
    cluster_id: str
    centroid: bytes
    model_id: str
    votes: Mapping[PassageName, Mapping[str, Vote]] = field(default_factory=dict)


def nearest(joined: FeedbackJoined, clusters: Iterable[Cluster]) -> Cluster:
    """The cluster that the impression's question belongs to; a new one if none is near."""
    impression = joined.impression
    mine = [c for c in clusters if c.tenant == impression.tenant and c.model_id == impression.model_id]
    best = max(mine, key=lambda cluster: cosine(cluster.centroid, impression.query_vector), default=None)
    if best is not None and cosine(best.centroid, impression.query_vector) >= SAME_QUESTION_COSINE:
        return best
    return Cluster(impression.tenant, _cluster_id(joined), impression.query_vector, impression.model_id)


def learn(cluster: Cluster, joined: FeedbackJoined) -> Cluster:
    """The cluster with this reaction in it: one vote a user and passage, the latest counts."""
    votes = dict(cluster.votes)
    vote = Vote(VALUES[joined.feedback.reaction], joined.feedback.time)
    voter = _pseudonym(joined)
    for item in joined.items:
        name = PassageName(item.document_id, item.text_hash)
        votes[name] = _voted(votes.pop(name, {}), voter, vote)
    return replace(cluster, votes=dict(list(votes.items())[-MAX_PASSAGES:]))


def published(cluster: Cluster) -> ClickMemory:
    """What retrieve loads: counts, no voters."""
    return ClickMemory(
        tenant=cluster.tenant,
        cluster_id=cluster.cluster_id,
        centroid=cluster.centroid,
        model_id=cluster.model_id,
        votes=tuple(_count(name, cluster.votes[name]) for name in sorted(cluster.votes)),
    )


def cosine(one: bytes, other: bytes) -> float:
    """Cosine of two packed little-endian float32 vectors; -1 where their dimensions differ."""
    a, b = array("f", one), array("f", other)
    if len(a) != len(b):
        return -1.0
    norm = sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    return sum(map(mul, a, b)) / norm if norm else -1.0


def _voted(voters: Mapping[str, Vote], voter: str, vote: Vote) -> Mapping[str, Vote]:
    before = voters.get(voter)
    if before is not None and before.time > vote.time:
        return voters
    if before is None and len(voters) >= MAX_VOTERS:
        return voters
    return {**voters, voter: vote}


def _count(name: PassageName, voters: Mapping[str, Vote]) -> PassageVotes:
    up = sum(vote.value > 0 for vote in voters.values())
    return PassageVotes(name.document_id, name.text_hash, up, len(voters) - up)


def _cluster_id(joined: FeedbackJoined) -> str:
    return hashlib.blake2b(joined.impression.query_vector, digest_size=8).hexdigest()


def _pseudonym(joined: FeedbackJoined) -> str:
    """Tells users apart without naming them."""
    feedback = joined.feedback
    return hashlib.blake2b(feedback.user.encode(), key=feedback.tenant.encode()[:64], digest_size=8).hexdigest()
