"""Clusters in tables of plain values, such as Faust keeps in its changelogs."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from headwater_feedback.domain.memory import Cluster, PassageName, Vote

Row = dict[str, Any]
Rows = MutableMapping[str, Row]


class TableClusters:
    """`ports.Clusters` over a table, with the decoded clusters of each tenant beside it.

    `forget` takes a row out where `del` will not do, and tells whether it was
    this worker's to take; it is told the tenant, by which rows lie in partitions.
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
