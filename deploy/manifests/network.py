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
    clients = [{"podSelector": {"matchExpressions": [{"key": CLIENT, "operator": "In", "values": ["true"]}]}}]
    return [*([named(named_ones)] if named_ones else []), *(clients if service in doors() else [])]


def named(services: Iterable[str]) -> Mapping[str, Any]:
    """The pods of services, as a peer of a policy."""
    # As an expression: into `matchLabels` kustomize would write the labels of whose policy it is.
    return {"podSelector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": [*services]}]}}


def _rule(way: str, peers: Sequence[Mapping[str, Any]], ports: Iterable[int]) -> dict[str, Any]:
    return {way: [*peers], "ports": [{"protocol": "TCP", "port": port} for port in ports]}


def _dns() -> Mapping[str, Any]:
    system = {"matchExpressions": [_in("kubernetes.io/metadata.name", "kube-system")]}
    servers = {"matchExpressions": [_in("k8s-app", "kube-dns")]}
    return {
        "to": [{"namespaceSelector": system, "podSelector": servers}],
        "ports": [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")],
    }


def _in(key: str, value: str) -> Mapping[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}
