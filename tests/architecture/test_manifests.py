"""The manifests fit the services: names, ports, settings, probes and rights."""

import importlib.util
import shutil
import subprocess
import tomllib
from typing import Any

import pytest
import yaml
from architecture.house import ROOT, SERVICES
from architecture.kustomize import Resource, environment, read, render
from headwater_client.canary.settings import Settings as CanarySettings
from headwater_kit.rpc.health import LIVENESS
from headwater_kit.settings.load import env_name
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS

K8S = ROOT / "deploy/k8s"
BASE = K8S / "base"
CANARY = K8S / "components/canary"
OVERLAYS = sorted(path.parent for path in K8S.glob("overlays/*/kustomization.yaml"))
SETTINGS = environment(BASE / "settings.env")
SKAFFOLD = yaml.safe_load((ROOT / "skaffold.yaml").read_text())


def resource(service: str, kind: str) -> Resource:
    (found,) = [each for each in render(BASE / service) if each["kind"] == kind]
    assert found["metadata"]["name"] == service
    return found


def pod(service: str) -> dict[str, Any]:
    spec: dict[str, Any] = resource(service, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(service: str) -> dict[str, Any]:
    (only,) = pod(service)["containers"]
    assert isinstance(only, dict)
    return only


def fields() -> dict[str, Any]:
    """Every setting of every service, by environment variable, with its default."""
    classes = [importlib.import_module(f"headwater_{service}.settings").Settings for service in SERVICES]
    return {env_name(name): field.default for kind in classes for name, field in kind.model_fields.items()}


def test_every_service_is_deployed_and_nothing_else() -> None:
    assert {path.parent.name for path in BASE.glob("*/kustomization.yaml")} == set(SERVICES)
    assert {entry for entry in read(BASE)["resources"] if (BASE / entry).is_dir()} == set(SERVICES)
    kinds = {"Deployment", "Service", "ServiceAccount", "PodDisruptionBudget"}
    for service in SERVICES:
        assert {each["kind"] for each in render(BASE / service)} == kinds


@pytest.mark.parametrize("service", SERVICES)
def test_ports_are_those_of_the_table(service: str) -> None:
    ports = {"grpc": GRPC_PORTS[service], "metrics": METRICS_PORTS[service]}
    assert {port["name"]: port["containerPort"] for port in container(service)["ports"]} == ports
    published = resource(service, "Service")["spec"]["ports"]
    assert {port["targetPort"]: port["port"] for port in published} == ports


@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_the_service_itself(service: str) -> None:
    port = GRPC_PORTS[service]
    probes = {probe: container(service)[f"{probe}Probe"]["grpc"] for probe in ("startup", "liveness", "readiness")}
    assert probes["readiness"] == {"port": port}
    assert probes["startup"] == probes["liveness"] == {"port": port, "service": LIVENESS}


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_has_no_right_that_it_does_not_need(service: str) -> None:
    spec, security = pod(service), container(service)["securityContext"]
    assert spec["serviceAccountName"] == service
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["readOnlyRootFilesystem"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert resource(service, "ServiceAccount")["automountServiceAccountToken"] is False


@pytest.mark.parametrize("service", SERVICES)
def test_memory_asked_for_is_memory_given(service: str) -> None:
    resources = container(service)["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert resources["requests"]["cpu"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_has_time_to_drain(service: str) -> None:
    wait = container(service)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod(service)["terminationGracePeriodSeconds"] > wait + float(SETTINGS["HEADWATER_DRAIN_SECONDS"])


@pytest.mark.parametrize("service", SERVICES)
def test_what_selects_pods_selects_its_own(service: str) -> None:
    label = {"app.kubernetes.io/name": service}
    (labels,) = read(BASE / service)["labels"]
    assert labels == {"pairs": label, "includeSelectors": True}
    # Kustomize adds no selector to a budget that has none.
    assert resource(service, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == label


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_takes_its_settings_from_the_one_map(service: str) -> None:
    assert container(service)["envFrom"][0] == {"configMapRef": {"name": "headwater"}}
    assert "env" not in container(service)


@pytest.mark.parametrize("file", [*K8S.rglob("*.env")], ids=lambda file: file.parent.name)
def test_every_variable_is_a_setting(file: Any) -> None:
    known = {*fields(), *map(env_name, CanarySettings.model_fields)}
    assert set(environment(file)) - known == set()


def test_every_setting_that_means_this_machine_is_set_for_the_cluster() -> None:
    local = {name for name, default in fields().items() if isinstance(default, str) and "127.0.0.1" in default}
    assert local - set(SETTINGS) == set()
    assert [name for name in local if "127.0.0.1" in SETTINGS[name]] == []


def test_targets_are_services_at_their_ports() -> None:
    targets = {name: value for name, value in SETTINGS.items() if name.endswith("_TARGET")}
    assert targets
    for name, value in targets.items():
        service = name.removeprefix("HEADWATER_").removesuffix("_TARGET").lower()
        assert value == f"dns:///{service}:{GRPC_PORTS[service]}"


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.name)
def test_an_overlay_names_services_that_are_there(overlay: Any) -> None:
    kustomization = read(overlay)
    assert {each["name"] for each in kustomization.get("replicas", ())} <= set(SERVICES)
    assert render(overlay)


def test_an_image_is_built_for_every_service() -> None:
    built = {each["image"]: each["docker"] for each in SKAFFOLD["build"]["artifacts"]}
    used = {container(service)["image"]: service for service in SERVICES}
    assert {image: docker["buildArgs"]["SERVICE"] for image, docker in built.items()} == used
    assert {docker["dockerfile"] for docker in built.values()} == {"deploy/docker/Dockerfile"}
    assert (ROOT / "deploy/docker/Dockerfile").is_file()


def test_skaffold_renders_folders_that_are_there() -> None:
    rendered = [SKAFFOLD["manifests"], *(profile["manifests"] for profile in SKAFFOLD["profiles"])]
    paths = [path for manifests in rendered for path in manifests["kustomize"]["paths"]]
    assert [path for path in paths if not (ROOT / path / "kustomization.yaml").is_file()] == []


def test_the_canary_runs_as_it_is_set_up_and_with_no_right_more_than_a_service() -> None:
    found = {each["kind"]: each for each in render(CANARY / "canary")}
    assert set(found) == {"Deployment", "Service", "ServiceAccount"}
    assert {each["metadata"]["name"] for each in found.values()} == {"canary"}
    ours, theirs = found["Deployment"]["spec"]["template"]["spec"], pod("generate")
    (only,) = ours["containers"]
    ports = {field: CanarySettings.model_fields[f"{field}_port"].default for field in ("grpc", "metrics")}
    assert {port["name"]: port["containerPort"] for port in only["ports"]} == ports
    assert {only[f"{probe}Probe"]["grpc"]["port"] for probe in ("startup", "liveness", "readiness")} == {ports["grpc"]}
    assert not set(ports.values()) & {*GRPC_PORTS.values(), *METRICS_PORTS.values()}
    assert only["resources"]["requests"]["memory"] == only["resources"]["limits"]["memory"]
    mine, yours = only["securityContext"], container("generate")["securityContext"]
    assert (mine, ours["securityContext"]) == (yours, theirs["securityContext"])
    assert ours["serviceAccountName"] == "canary"
    # What its command runs is in the image that it runs from.
    assert only["image"] == container("generate")["image"]
    assert importlib.util.find_spec(only["command"][-1]) is not None
    generate = tomllib.loads((ROOT / "services/generate/pyproject.toml").read_text())
    assert "headwater-client" in generate["project"]["dependencies"]


def test_the_canary_may_call_the_services_and_knows_where_they_are() -> None:
    (labels,) = read(CANARY / "canary")["labels"]
    (policy,) = [each for each in render(BASE) if each["kind"] == "NetworkPolicy"]
    admitted = policy["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert admitted.items() <= labels["pairs"].items()
    targets = SETTINGS | environment(CANARY / "canary.env")
    for service in ("ingest", "retrieve"):
        assert targets[f"HEADWATER_{service.upper()}_TARGET"] == f"dns:///{service}:{GRPC_PORTS[service]}"


@pytest.mark.skipif(shutil.which("kustomize") is None, reason="kustomize is not installed")
@pytest.mark.parametrize("folder", [BASE, *OVERLAYS], ids=lambda folder: folder.name)
def test_kustomize_renders_the_same_resources(folder: Any) -> None:
    built = subprocess.run(["kustomize", "build", folder], capture_output=True, text=True, check=True).stdout
    ours = {(each["kind"], each["metadata"]["name"]) for each in render(folder)}
    theirs = {(each["kind"], each["metadata"]["name"]) for each in yaml.safe_load_all(built)}
    assert {name for name in theirs if name[0] != "ConfigMap"} == ours
