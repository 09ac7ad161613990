"""Join states and clusters in tables of plain values, such as Faust keeps in its changelogs."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from headwater_kit.codec.events import decode, encode
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionRecorded

from headwater_feedback.domain.join import JoinState
from headwater_feedback.domain.memory import Cluster, PassageName, Vote

Row = dict[str, Any]
Rows = MutableMapping[str, Row]


class TableJoinStates:
    """`ports.JoinStates` over a table: a dict, or a Faust table.

    `forget` takes a row out where `del` will not do, and tells whether it was
    this worker's to take.
    """

    def __init__(self, rows: Rows, forget: Callable[[str], bool] | None = None) -> None:
        self._rows = rows
        self._forget = forget or self._delete

    def get(self, impression_id: str) -> JoinState | None:
        """See `ports.JoinStates`."""
        row = self._rows.get(impression_id)
        return _state(row) if row else None

    def put(self, impression_id: str, state: JoinState) -> None:
        """See `ports.JoinStates`."""
        self._rows[impression_id] = _state_row(state)

    def expire(self, before: float, keep: int) -> int:
        """See `ports.JoinStates`."""
        by_age = sorted((row["since"], key) for key, row in self._rows.items())
        surplus = max(0, len(by_age) - keep)
        stale = [key for place, (since, key) in enumerate(by_age) if place < surplus or since < before]
        return sum(map(self._forget, stale))

    def erase(self, tenant: str, before: float) -> int:
        """See `ports.JoinStates`."""
        old = [(key, row) for key, row in self._rows.items() if row["since"] < before]
        return sum(self._forget(key) for key, row in old if _tenant(_state(row)) == tenant)

    def _delete(self, key: str) -> bool:
        del self._rows[key]
        return True


class TableClusters:
    """`ports.Clusters` over a table, with the decoded clusters of each tenant beside it.

    `forget` as in `TableJoinStates`, told the tenant too, by which rows lie in partitions.
    """

    def __init__(self, rows: Rows, forget: Callable[[str, str], bool] | None = None) -> None:
        self._rows = rows
        self._forget = forget or self._delete
        self._tenants: dict[str, dict[str, Cluster]] | None = None

    def of(self, tenant: str) -> Sequence[Cluster]:
        """See `ports.Clusters`."""
        return list(self._loaded().get(tenant, {}).values())

    def put(self, cluster: Cluster) -> None:
        """See `ports.Clusters`."""
        self._loaded().setdefault(cluster.tenant, {})[cluster.cluster_id] = cluster
        self._rows[f"{cluster.tenant}\x1f{cluster.cluster_id}"] = _cluster_row(cluster)

    def erase(self, tenant: str, before: float) -> int:
        """See `ports.Clusters`."""
        old = [cluster for cluster in self.of(tenant) if _last_vote(cluster) < before]
        forgotten = [one for one in old if self._forget(f"{tenant}\x1f{one.cluster_id}", tenant)]
        for cluster in forgotten:
            del self._loaded()[tenant][cluster.cluster_id]
        return len(forgotten)

    def reload(self) -> None:
        """Forgets what was decoded; call it when the table changed underneath, as in a rebalance."""
        self._tenants = None

    def _delete(self, key: str, _: str) -> bool:
        del self._rows[key]
        return True

    def _loaded(self) -> dict[str, dict[str, Cluster]]:
        if self._tenants is None:
            self._tenants = {}
            for key in sorted(self._rows):
                cluster = _cluster(self._rows[key])
                self._tenants.setdefault(cluster.tenant, {})[cluster.cluster_id] = cluster
        return self._tenants


def _last_vote(cluster: Cluster) -> float:
    return max((vote.time for voters in cluster.votes.values() for vote in voters.values()), default=0.0)


def _tenant(state: JoinState) -> str | None:
    known = (state.impression,) if state.impression else state.parked
    return known[0].tenant if known else None


def _state_row(state: JoinState) -> Row:
    return {
        "since": state.since,
        "impression": _packed(state.impression) if state.impression else None,
        "cited": None if state.cited is None else list(state.cited),
        "parked": [_packed(feedback) for feedback in state.parked],
    }


def _state(row: Mapping[str, Any]) -> JoinState:
    return JoinState(
        since=row["since"],
        impression=decode(ImpressionRecorded, b64decode(row["impression"])) if row["impression"] else None,
        cited=None if row["cited"] is None else tuple(row["cited"]),
        parked=tuple(decode(FeedbackRecorded, b64decode(packed)) for packed in row["parked"]),
    )


def _cluster_row(cluster: Cluster) -> Row:
    return {
        "tenant": cluster.tenant,
        "cluster_id": cluster.cluster_id,
        "centroid": b64encode(cluster.centroid).decode(),
        "model_id": cluster.model_id,
        "votes": [
            [name.document_id, name.text_hash, {voter: [vote.value, vote.time] for voter, vote in voters.items()}]
            for name, voters in cluster.votes.items()
        ],
    }


def _cluster(row: Mapping[str, Any]) -> Cluster:
    votes = {
        PassageName(document_id, text_hash): {voter: Vote(*vote) for voter, vote in voters.items()}
        for document_id, text_hash, voters in row["votes"]
    }
    return Cluster(row["tenant"], row["cluster_id"], b64decode(row["centroid"]), row["model_id"], votes)


def _packed(event: ImpressionRecorded | FeedbackRecorded) -> str:
    return b64encode(encode(event)).decode()
