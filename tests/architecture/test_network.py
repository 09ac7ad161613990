"""Network policies let through what calls whom, and nothing else; asked of the rendered policies, both ways."""

from itertools import product
from typing import Any

import pytest
from architecture.house import ROOT, SERVICES
from architecture.kustomize import Resource, of_kind, render
from headwater_kit.settings.ports import GRPC_PORTS
from manifests.network import CLIENT, NAME
from manifests.services import CANARY, CANARY_CALLS, calls, doors

K8S = ROOT / "deploy/k8s"
POLICIES = [
    *of_kind(render(K8S / "base"), "NetworkPolicy").values(),
    *of_kind(render(K8S / "components/canary/canary"), "NetworkPolicy").values(),
]
PART_OF = {"app.kubernetes.io/part-of": "headwater"}
PODS: dict[str, dict[str, str]] = {
    **{name: {NAME: name} | PART_OF for name in (*SERVICES, CANARY)},
    "client": {CLIENT: "true"},
    "stranger": {},
    "job": PART_OF,
}


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    expressions = selector.get("matchExpressions", ())
    assert {each["operator"] for each in expressions} <= {"In"}
    wanted = selector.get("matchLabels", {}).items()
    return wanted <= labels.items() and all(labels.get(each["key"]) in each["values"] for each in expressions)


def lets(policy: Resource, way: str, other: dict[str, str], port: int) -> bool:
    """Whether a policy's rules let a pod of this namespace through to the port, or from it."""
    rules = policy["spec"].get({"from": "ingress", "to": "egress"}[way]) or ()
    return any(
        port in [each["port"] for each in rule["ports"]]
        and any("namespaceSelector" not in peer and selects(peer["podSelector"], other) for peer in rule[way])
        for rule in rules
    )


def passes(way: str, pod: dict[str, str], other: dict[str, str], port: int) -> bool:
    """What Kubernetes says: a pod without a policy for the way is open, else one of its policies must let it."""
    kind = {"from": "Ingress", "to": "Egress"}[way]
    own = [p for p in POLICIES if selects(p["spec"]["podSelector"], pod) and kind in p["spec"]["policyTypes"]]
    return not own or any(lets(policy, way, other, port) for policy in own)


def reaches(caller: str, callee: str, port: int) -> bool:
    to, of = PODS[caller], PODS[callee]
    return passes("to", to, of, port) and passes("from", of, to, port)


def test_there_is_something_to_let_through() -> None:
    assert {name: calls(name) for name in SERVICES if calls(name)} == {
        "index": ("embed",),
        "retrieve": ("embed",),
        "generate": ("embed", "retrieve", "guard"),
    }
    assert set(doors()) == {"ingest", "index", "retrieve", "generate", "feedback"}


@pytest.mark.parametrize(("caller", "callee"), [pair for pair in product(PODS, SERVICES) if len({*pair}) == 2])
def test_who_calls_is_let_through_and_nobody_else(caller: str, callee: str) -> None:
    allowed = {"client": doors(), CANARY: CANARY_CALLS, "stranger": (), "job": ()}
    wanted = callee in (allowed[caller] if caller in allowed else calls(caller))
    assert reaches(caller, callee, GRPC_PORTS[callee]) == wanted
    # And by no other port than that of its calls.
    other_ports = {*GRPC_PORTS.values(), 22, 443, 8080} - {GRPC_PORTS[callee]}
    assert not any(reaches(caller, callee, port) for port in other_ports)


@pytest.mark.parametrize("service", [*SERVICES, CANARY])
def test_each_has_a_policy_for_both_ways(service: str) -> None:
    (own,) = [policy for policy in POLICIES if policy["metadata"]["name"] == service]
    assert set(own["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    assert selects(own["spec"]["podSelector"], PODS[service])
    assert not any(selects(own["spec"]["podSelector"], PODS[other]) for other in PODS if other != service)


@pytest.mark.parametrize("service", [*SERVICES, CANARY])
def test_each_may_ask_for_names_and_nothing_else_outside(service: str) -> None:
    (own,) = [policy for policy in POLICIES if policy["metadata"]["name"] == service]
    outside = [rule for rule in own["spec"]["egress"] if any("namespaceSelector" in peer for peer in rule["to"])]
    assert [[port["port"] for port in rule["ports"]] for rule in outside] == [[53, 53]]
    assert not any("ipBlock" in peer for rule in own["spec"]["egress"] for peer in rule["to"])
