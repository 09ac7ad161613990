"""The click memory: what users made of the passages shown for a question and its paraphrases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import ClickMemory, PassageVotes
from numpy.typing import NDArray

from headwater_retrieve.domain.fusion import Candidate, order

DAY_SECONDS = 86_400.0
Votes = Mapping[tuple[str, str], PassageVotes]


@dataclass(frozen=True, slots=True)
class MemoryPolicy:
    """How the memory is applied.

    `min_cosine`: how near a question must be to a cluster's centre to count as
    its paraphrase, where the cluster does not say: it belongs to the encoder, and
    feedback measures it (`domain.leaders` there). `max_boost`: bound on what votes add or take, in the fused
    score's units (standard deviations of a leg); half of what usually lies
    between the best and the hundredth passage (6.1 on XQuAD), so that votes
    outweigh a doubtful order and not a clear one. `prior_votes`: votes of no
    opinion that every passage starts with, so that one vote does little.
    """

    min_cosine: float = 0.85
    max_boost: float = 3.0
    prior_votes: float = 2.0

    def boost(self, votes: PassageVotes) -> float:
        """What the votes add to a score: between -max_boost and max_boost, 0 for a draw."""
        up = votes.up if votes.up_weight is None else votes.up_weight
        down = votes.down if votes.down_weight is None else votes.down_weight
        return self.max_boost * (up - down) / (up + down + self.prior_votes)


class Memory:
    """The clusters of all tenants, by key as published. Not thread-safe; owned by the event loop."""

    def __init__(self, policy: MemoryPolicy) -> None:
        self._policy = policy
        self._clusters: dict[tuple[str, str], dict[str, ClickMemory]] = {}
        self._centroids: dict[tuple[str, str], NDArray[np.float32]] = {}
        self._by_key: dict[bytes, ClickMemory] = {}
        # Of each tenant's newest votes: votes grow old by other votes, and not by the clock.
        self._newest: dict[str, float] = {}

    def put(self, key: bytes, cluster: ClickMemory) -> None:
        """Adds a cluster, or replaces the one that stood under `key`.

        Raises InvalidInput for a centre of another length than its model's others.
        """
        self.drop(key)
        space = (cluster.tenant, cluster.model_id)
        lengths = {len(c.centroid) for c in self._clusters.get(space, {}).values()} or {len(cluster.centroid)}
        if lengths != {len(cluster.centroid)} or not cluster.centroid or len(cluster.centroid) % 4:
            raise InvalidInput("the centre's length is not its model's", field="centroid")
        self._by_key[key] = cluster
        self._newest[cluster.tenant] = max(cluster.as_of, self._newest.get(cluster.tenant, 0.0))
        self._clusters.setdefault(space, {})[cluster.cluster_id] = cluster
        self._centroids.pop(space, None)

    def drop(self, key: bytes) -> None:
        """Withdraws what stands under `key`; nothing if nothing does."""
        cluster = self._by_key.pop(key, None)
        if cluster is None:
            return
        space = (cluster.tenant, cluster.model_id)
        self._clusters[space].pop(cluster.cluster_id, None)
        self._centroids.pop(space, None)

    def recall(self, tenant: str, model_id: str, vector: bytes) -> Votes:
        """Votes of the nearest cluster of this tenant and model by document and text; empty if none is near enough."""
        clusters = list(self._clusters.get((tenant, model_id), {}).values())
        if not clusters:
            return {}
        cosines = self._matrix(tenant, model_id) @ np.frombuffer(vector, dtype="<f4")
        best = int(cosines.argmax())
        found = clusters[best]
        if cosines[best] < (self._policy.min_cosine if found.min_cosine is None else found.min_cosine):
            return {}
        share = _left(found, self._newest[tenant])
        return {(v.document_id, v.text_hash): _faded(v, share) for v in found.votes}

    def apply(self, candidates: Iterable[Candidate], votes: Votes) -> list[Candidate]:
        """The candidates with the votes' boosts, best first; nothing is added that was not retrieved."""
        return order(self._boosted(candidate, votes) for candidate in candidates)

    def _boosted(self, candidate: Candidate, votes: Votes) -> Candidate:
        found = votes.get(_name(candidate.passage))
        return replace(candidate, memory=self._policy.boost(found)) if found else candidate

    def _matrix(self, tenant: str, model_id: str) -> NDArray[np.float32]:
        # Built when first asked for after a change: changes come in bursts, at start above all.
        space = (tenant, model_id)
        if space not in self._centroids:
            packed = b"".join(cluster.centroid for cluster in self._clusters[space].values())
            self._centroids[space] = np.frombuffer(packed, dtype="<f4").reshape(len(self._clusters[space]), -1)
        return self._centroids[space]


def _left(cluster: ClickMemory, newest: float) -> float:
    """The share of the cluster's weights that is left by the time of the tenant's newest votes."""
    days = max(0.0, newest - cluster.as_of) / DAY_SECONDS
    return float(2.0 ** (-days / cluster.half_life_days)) if cluster.half_life_days > 0.0 else 1.0


def _faded(votes: PassageVotes, share: float) -> PassageVotes:
    if votes.up_weight is None or votes.down_weight is None:
        return votes
    return replace(votes, up_weight=votes.up_weight * share, down_weight=votes.down_weight * share)


def _name(passage: Passage) -> tuple[str, str]:
    return passage.document_id, passage.chunk.text_hash
