"""The services that clients call, behind a gateway of the cluster."""

from headwater_kit.settings.ports import GRPC_PORTS

from manifests.documents import Resource, as_yaml
from manifests.network import NAME, in_labels
from manifests.services import doors

# The label of the namespace that the gateway's pods run in.
GATEWAY = "headwater/gateway"


def route() -> str:
    """The file of the route: each service by its name in the contract."""
    rules = [_rule(service) for service in doors()]
    spec = {"parentRefs": [{"name": "headwater"}], "rules": rules}
    resource = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GRPCRoute", "metadata": {"name": "headwater"}}
    return as_yaml("What clients call; hostnames are the overlay's to add.", [resource | {"spec": spec}])


def policies() -> str:
    """The file of policies that let the gateway in."""
    return as_yaml("The gateway's namespace carries the label.", map(_policy, doors()))


def _rule(service: str) -> Resource:
    method = {"type": "Exact", "service": f"headwater.{service}.v1.{service.capitalize()}Service"}
    backend = {"name": service, "port": GRPC_PORTS[service]}
    return {"matches": [{"method": method}], "backendRefs": [backend]}


def _policy(service: str) -> Resource:
    peer = {"namespaceSelector": in_labels(GATEWAY, "true")}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"gateway-to-{service}"},
        "spec": {
            "podSelector": {"matchLabels": {NAME: service}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [peer], "ports": [{"protocol": "TCP", "port": GRPC_PORTS[service]}]}],
        },
    }
