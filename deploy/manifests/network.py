"""Who may reach whom, from whom each service calls: one policy a service, both ways.

Brokers, stores and whatever else lies beyond the services are reached by
policies of the components that bring them; policies add up.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater_kit.settings.ports import GRPC_PORTS

from manifests.documents import Resource, as_yaml
from manifests.services import CANARY, CANARY_CALLS, SERVICES, callers, calls, doors

NAME = "app.kubernetes.io/name"
# A pod with this label may call what clients call.
CLIENT = "headwater/client"
DNS_PORT = 53


def policy_of(service: str) -> str:
    """The file of a service's policy."""
    return as_yaml("Who calls it, and whom it calls.", [_policy(service)])


def _policy(service: str) -> Resource:
    ingress = [_rule("from", _admitted(service), [GRPC_PORTS[service]])] if service in SERVICES else []
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": service},
        "spec": {
            "podSelector": {"matchLabels": {NAME: service}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [rule for rule in ingress if rule["from"]],
            "egress": [*(_rule("to", [named([peer])], [GRPC_PORTS[peer]]) for peer in calls(service)), _dns()],
        },
    }


def _admitted(service: str) -> Sequence[Mapping[str, Any]]:
    named_ones = [*callers(service), *([CANARY] if service in CANARY_CALLS else [])]
    clients = [{"podSelector": in_labels(CLIENT, "true")}]
    return [*([named(named_ones)] if named_ones else []), *(clients if service in doors() else [])]


def named(services: Iterable[str]) -> Mapping[str, Any]:
    """The pods of services, as a peer of a policy."""
    return {"podSelector": in_labels(NAME, *services)}


def in_labels(key: str, *values: str) -> Mapping[str, Any]:
    """A selector of those whose label has one of the values."""
    # As an expression: into `matchLabels` kustomize would write the labels of whose policy it is.
    return {"matchExpressions": [{"key": key, "operator": "In", "values": [*values]}]}


def _rule(way: str, peers: Sequence[Mapping[str, Any]], ports: Iterable[int]) -> dict[str, Any]:
    return {way: [*peers], "ports": [{"protocol": "TCP", "port": port} for port in ports]}


def _dns() -> Mapping[str, Any]:
    system = in_labels("kubernetes.io/metadata.name", "kube-system")
    return {
        "to": [{"namespaceSelector": system, "podSelector": in_labels("k8s-app", "kube-dns")}],
        "ports": [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")],
    }
