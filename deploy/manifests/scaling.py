"""How many pods a service has: by how far its consumer group is behind, in records and in seconds, and by its load.

Never more pods than the topics have partitions, where pods share partitions:
one more would have nothing to do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from headwater_kit.bus.topics import GROUPS, PARTITIONS
from headwater_kit.telemetry import names
from headwater_kit.telemetry.exposition import family, label

from manifests.documents import Resource, as_yaml

# Backfill groups are left out: bulk waits until there is room, and asks for none.
LEAST_PODS = 2
# Of services whose calls alone count, and that share no partitions.
MOST_PODS_BY_LOAD = 10
PROMETHEUS = "http://prometheus.monitoring.svc:9090"
CPU_PERCENT = 70
POLL_SECONDS = 15
# Up at once, two at a time; down one by one, to the most that ten minutes asked for. Where pods keep up nothing waits,
# and lag alone would ask for the least again: so long it may not, since each move of partitions costs a pause.
UP_PODS, UP_SECONDS = 2, 30
DOWN_SECONDS, DOWN_WAIT_SECONDS = 60, 600


@dataclass(frozen=True, slots=True)
class Scale:
    """What one pod is to have behind it, at most: records, and the seconds of the oldest; 0 where load alone counts."""

    records: int = 0
    seconds: int = 0

    @property
    def most_pods(self) -> int:
        """The bound."""
        return PARTITIONS if self.records else MOST_PODS_BY_LOAD


SCALES: Mapping[str, Scale] = {
    "ingest": Scale(records=50, seconds=10),
    # A part holds up to some hundred chunks, and encoding them is what takes the time.
    "embed": Scale(records=20, seconds=10),
    "index": Scale(records=50, seconds=10),
    "retrieve": Scale(),
    # A question takes seconds where a language model answers.
    "generate": Scale(records=5, seconds=10),
    "guard": Scale(),
}


def scaled_objects() -> str:
    """The file of what is scaled, and how."""
    return as_yaml("More pods as more waits.", (_scaled(service, scale) for service, scale in SCALES.items()))


def authentications() -> str:
    """The file of credentials for asking the broker how much waits: each service's own, which may ask for its group."""
    by_lag = [service for service, scale in SCALES.items() if scale.records]
    return as_yaml("Lag is asked for as the service itself.", map(_access, by_lag))


def behavior() -> Resource:
    """How fast the autoscaler may follow."""
    up = {"type": "Pods", "value": UP_PODS, "periodSeconds": UP_SECONDS}
    down = {"type": "Pods", "value": 1, "periodSeconds": DOWN_SECONDS}
    return {
        "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [up]},
        "scaleDown": {"stabilizationWindowSeconds": DOWN_WAIT_SECONDS, "policies": [down]},
    }


def _scaled(service: str, scale: Scale) -> Resource:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": service},
        "spec": {
            "scaleTargetRef": {"name": service},
            "pollingInterval": POLL_SECONDS,
            "minReplicaCount": LEAST_PODS,
            "maxReplicaCount": scale.most_pods,
            # While what waits cannot be asked for, as many as there are.
            "fallback": {"failureThreshold": 3, "replicas": LEAST_PODS, "behavior": "currentReplicasIfHigher"},
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior()}},
            "triggers": list(_triggers(service, scale)),
        },
    }


def _access(service: str) -> Resource:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "TriggerAuthentication",
        "metadata": {"name": service},
        "spec": {
            "env": [{"parameter": "username", "name": "HEADWATER_KAFKA_SASL_USERNAME", "containerName": "service"}],
            "secretTargetRef": [
                {"parameter": "password", "name": service, "key": "password"},
                {"parameter": "ca", "name": "headwater-cluster-ca-cert", "key": "ca.crt"},
            ],
        },
    }


def _triggers(service: str, scale: Scale) -> Iterator[Resource]:
    if scale.records:
        yield from (_lag(service, topic.name, scale.records) for topic in GROUPS[service])
        yield _lag_seconds(service, scale.seconds)
    # Calls come without a lag; what encodes for them is busy.
    yield {"type": "cpu", "metricType": "Utilization", "metadata": {"value": str(CPU_PERCENT)}}


def _lag(group: str, topic: str, records: int) -> Resource:
    metadata = {
        "bootstrapServersFromEnv": "HEADWATER_KAFKA_BOOTSTRAP",
        "consumerGroup": group,
        "topic": topic,
        "lagThreshold": str(records),
        "offsetResetPolicy": "earliest",
        "allowIdleConsumers": "false",
        "sasl": "scram_sha512",
        "tls": "enable",
    }
    return {"type": "kafka", "metricType": "AverageValue", "metadata": metadata, "authenticationRef": {"name": group}}


def _lag_seconds(group: str, seconds: int) -> Resource:
    query = f'max({family(names.BUS_LAG_AGE)}{{{label(names.BUS_GROUP)}="{group}"}}) or vector(0)'
    metadata = {"serverAddress": PROMETHEUS, "query": query, "threshold": str(seconds)}
    return {"type": "prometheus", "metricType": "AverageValue", "metadata": metadata}
