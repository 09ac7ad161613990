"""Every component fits what it is a variation of: probes, certificates, routes, scaling, roll-outs."""

from pathlib import Path
from typing import Any

import pytest
from architecture.house import ROOT, SERVICES
from architecture.kustomize import Resource, environment, of_kind, read, render
from headwater_client.canary.settings import METRICS_PORT
from headwater_kit.bus.topics import GROUPS, PARTITIONS
from headwater_kit.rpc.docs import contract
from headwater_kit.rpc.health import LIVENESS
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS
from manifests.scaling import SCALES
from manifests.services import CANARY, doors

K8S = ROOT / "deploy/k8s"
COMPONENTS = sorted(path.parent for path in K8S.glob("components/*/kustomization.yaml"))
PROD = render(K8S / "overlays/prod")
EVERYTHING = render(ROOT / "deploy/check/everything")
# What base has, and what brings engines and code that are not for others to depend on.
FOR_TRYING = {"service", "weights", "engines", "reload"}
HEALTH_PORT = int(environment(K8S / "components/mtls/settings.env")["HEADWATER_HEALTH_PORT"])


def pod(resources: list[Resource], service: str) -> dict[str, Any]:
    spec: dict[str, Any] = of_kind(resources, "Deployment")[service]["spec"]["template"]["spec"]
    return spec


def test_what_is_checked_together_has_every_component_but_those_for_trying() -> None:
    named = read(ROOT / "deploy/check/everything")["components"]
    assert {Path(each).name for each in named} == {folder.name for folder in COMPONENTS} - FOR_TRYING


@pytest.mark.parametrize("folder", COMPONENTS, ids=lambda folder: folder.name)
def test_a_component_is_one(folder: Path) -> None:
    assert read(folder)["kind"] == "Component"


def test_all_that_may_stand_together_does() -> None:
    assert set(of_kind(EVERYTHING, "Deployment")) == {*SERVICES, CANARY}
    assert {"Kafka", "Milvus", "Certificate", "ScaledObject", "GRPCRoute", "Rollout", "PodMonitor"} <= {
        each["kind"] for each in EVERYTHING
    }


@pytest.mark.parametrize("service", [*SERVICES, CANARY])
def test_with_certificates_health_is_asked_for_where_none_is_needed(service: str) -> None:
    (only,) = pod(EVERYTHING, service)["containers"]
    probes = {probe: only[f"{probe}Probe"]["grpc"] for probe in ("startup", "liveness", "readiness")}
    assert probes["readiness"] == {"port": HEALTH_PORT}
    assert probes["startup"] == probes["liveness"] == {"port": HEALTH_PORT, "service": LIVENESS}
    ports = [port["containerPort"] for port in only["ports"]]
    assert HEALTH_PORT in ports
    assert len(set(ports)) == len(ports)
    assert HEALTH_PORT not in {*GRPC_PORTS.values(), *METRICS_PORTS.values()}


@pytest.mark.parametrize("service", [*SERVICES, CANARY])
def test_each_has_a_certificate_for_the_name_it_is_called_by(service: str) -> None:
    certificate = of_kind(EVERYTHING, "Certificate")[service]["spec"]
    assert certificate["dnsNames"] == [service]
    assert {"server auth", "client auth"} <= set(certificate["usages"])
    assert certificate["issuerRef"]["name"] in of_kind(EVERYTHING, "Issuer")
    volumes = {each["name"]: each for each in pod(EVERYTHING, service)["volumes"]}
    assert volumes["tls"]["secret"]["secretName"] == certificate["secretName"]


@pytest.mark.parametrize("service", [*SERVICES, CANARY])
def test_what_is_mounted_is_there_and_where_the_settings_say(service: str) -> None:
    (only,) = pod(EVERYTHING, service)["containers"]
    mounts = {each["mountPath"]: each["name"] for each in only["volumeMounts"]}
    assert set(mounts.values()) == {each["name"] for each in pod(EVERYTHING, service)["volumes"]}
    (settings,) = of_kind(EVERYTHING, "ConfigMap").values()
    named = ("HEADWATER_TLS_CERT", "HEADWATER_TLS_KEY", "HEADWATER_TLS_PEER_CA", "HEADWATER_KAFKA_TLS_CA")
    assert {str(Path(settings["data"][name]).parent) for name in named} <= set(mounts)


def test_the_route_leads_to_what_clients_call() -> None:
    (route,) = of_kind(EVERYTHING, "GRPCRoute").values()
    found = {
        rule["matches"][0]["method"]["service"]: (rule["backendRefs"][0]["name"], rule["backendRefs"][0]["port"])
        for rule in route["spec"]["rules"]
    }
    assert set(found.values()) == {(service, GRPC_PORTS[service]) for service in doors()}
    assert set(found) <= {method.rpartition("/")[0] for method in contract()}


def test_monitoring_reads_every_port_of_metrics() -> None:
    (rule,) = of_kind(EVERYTHING, "NetworkPolicy")["monitoring"]["spec"]["ingress"]
    (span,) = rule["ports"]
    ports = {*METRICS_PORTS.values(), METRICS_PORT}
    assert {*range(span["port"], span["endPort"] + 1)} == ports
    (monitor,) = of_kind(EVERYTHING, "PodMonitor").values()
    assert [each["port"] for each in monitor["spec"]["podMetricsEndpoints"]] == ["metrics"]


def test_every_consumer_but_feedback_is_scaled_and_never_over_the_partitions() -> None:
    scaled = of_kind(PROD, "ScaledObject")
    assert set(scaled) == set(SCALES) == set(SERVICES) - {"feedback"}
    for service, each in scaled.items():
        lagging = [trigger["metadata"] for trigger in each["spec"]["triggers"] if trigger["type"] == "kafka"]
        read_by_it = [topic.name for topic in GROUPS.get(service, ())]
        assert [trigger["topic"] for trigger in lagging] == read_by_it
        assert {trigger["consumerGroup"] for trigger in lagging} <= {service}
        assert {trigger["allowIdleConsumers"] for trigger in lagging} <= {"false"}
        if read_by_it:
            assert each["spec"]["maxReplicaCount"] == PARTITIONS
            assert [t["type"] for t in each["spec"]["triggers"]] == ["kafka"] * len(read_by_it) + ["prometheus", "cpu"]
        # Its number is the autoscaler's alone.
        assert "replicas" not in of_kind(PROD, "Deployment")[service]["spec"]


def test_the_autoscaler_asks_the_broker_as_the_service_itself() -> None:
    access = of_kind(PROD, "TriggerAuthentication")
    for service, each in of_kind(PROD, "ScaledObject").items():
        for trigger in each["spec"]["triggers"]:
            if trigger["type"] == "kafka":
                assert trigger["authenticationRef"] == {"name": service}
                found = {ref["parameter"]: ref["name"] for ref in access[service]["spec"]["secretTargetRef"]}
                assert found == {"password": service, "ca": "headwater-cluster-ca-cert"}
                (name,) = [ref["name"] for ref in access[service]["spec"]["env"]]
                (only,) = pod(PROD, service)["containers"]
                # KEDA reads plain values of the pod's variables.
                assert {"name": name, "value": service} in only["env"]


def test_what_rolls_out_is_what_is_scaled() -> None:
    rollouts = of_kind(EVERYTHING, "Rollout")
    templates = of_kind(EVERYTHING, "AnalysisTemplate")
    for name, rollout in rollouts.items():
        assert rollout["spec"]["workloadRef"]["name"] == name
        steps = rollout["spec"]["strategy"]["canary"]["steps"]
        asked = [step["analysis"] for step in steps if "analysis" in step]
        assert {template["templateName"] for each in asked for template in each["templates"]} <= set(templates)
        assert {arg["value"] for each in asked for arg in each["args"]} == {f"{name.capitalize()}Service"}
    for service, each in of_kind(EVERYTHING, "ScaledObject").items():
        kind = "Rollout" if service in rollouts else None
        assert each["spec"]["scaleTargetRef"].get("kind") == kind
