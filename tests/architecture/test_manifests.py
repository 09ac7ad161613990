"""The manifests fit the services: names, ports, settings, probes and rights."""

import importlib.util
import re
import tomllib
from typing import Any

import pytest
import yaml
from architecture.house import ROOT, SERVICES
from architecture.image_contents import members
from architecture.kustomize import Resource, environment, of_kind, read, render
from headwater_client.canary.settings import Settings as CanarySettings
from headwater_kit.rpc.health import LIVENESS
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS
from manifests.files import stale

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


def test_what_is_made_from_the_code_is_current() -> None:
    assert stale() == [], "run `make manifests`"


def test_every_service_is_deployed_and_nothing_else() -> None:
    assert {path.parent.name for path in BASE.glob("*/kustomization.yaml")} == {*SERVICES, "settings"}
    assert {entry for entry in read(BASE)["resources"] if (BASE / entry).is_dir()} == {*SERVICES, "settings"}
    kinds = {"Deployment", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy"}
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


def test_embed_works_with_as_many_threads_as_it_may_use() -> None:
    assert container("embed")["resources"]["limits"]["cpu"] == SETTINGS["HEADWATER_EMBED_WORKERS"]


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
    assert container(service)["envFrom"] == [{"configMapRef": {"name": "headwater"}}]
    assert "env" not in container(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_takes_its_secrets_as_files(service: str) -> None:
    (secrets,) = [each for each in pod(service)["volumes"] if each["name"] == "secrets"]
    (source,) = secrets["projected"]["sources"]
    assert source == {"secret": {"name": "headwater", "optional": True}}
    mounts = {each["name"]: each["mountPath"] for each in container(service)["volumeMounts"]}
    assert mounts["secrets"] == SETTINGS["HEADWATER_SECRETS_DIR"]


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.name)
def test_an_overlay_names_services_that_are_there(overlay: Any) -> None:
    kustomization = read(overlay)
    assert {each["name"] for each in kustomization.get("replicas", ())} <= set(SERVICES)
    assert set(SERVICES) <= set(of_kind(render(overlay), "Deployment"))


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.name)
def test_an_overlay_lets_in_nothing_but_restricted_pods(overlay: Any) -> None:
    (namespace,) = of_kind(render(overlay), "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_prod_names_images_by_digest_and_asks_for_them() -> None:
    for deployment in of_kind(render(K8S / "overlays/prod"), "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        for each in (*pod["containers"], *pod.get("initContainers", ())):
            assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", each["image"])
            assert each["imagePullPolicy"] == "Always"


def test_an_image_is_built_for_every_service() -> None:
    built = {each["image"]: each["docker"] for each in SKAFFOLD["build"]["artifacts"]}
    used = {container(service)["image"]: service for service in SERVICES}
    beside = {f"headwater-{image}": image for image in ("engines", "models")}
    assert {image: docker["buildArgs"]["SERVICE"] for image, docker in built.items()} == used | beside
    assert {docker["dockerfile"] for docker in built.values()} == {"deploy/docker/Dockerfile"}
    assert (ROOT / "deploy/docker/Dockerfile").is_file()


def test_skaffold_copies_every_file_of_a_service_that_it_need_not_build_anew() -> None:
    for artifact in SKAFFOLD["build"]["artifacts"]:
        image = artifact["docker"]["buildArgs"]["SERVICE"]
        synced = {each["strip"].rstrip("/") for each in artifact.get("sync", {}).get("manual", ())}
        made_of = {str(folder.relative_to(ROOT)) for folder in members(image, ROOT).values()}
        assert synced == (made_of if image in SERVICES else set())


def test_every_image_is_tested_as_it_is_built() -> None:
    tested = {each["image"]: each["structureTests"] for each in SKAFFOLD["test"]}
    assert set(tested) == {each["image"] for each in SKAFFOLD["build"]["artifacts"]}
    assert [path for paths in tested.values() for path in paths if not (ROOT / path).is_file()] == []


def test_a_pod_of_an_overlay_runs_an_image_that_is_built() -> None:
    built = {each["image"] for each in SKAFFOLD["build"]["artifacts"]}
    for overlay in ("ci", "dev"):
        for deployment in of_kind(render(K8S / "overlays" / overlay), "Deployment").values():
            pod = deployment["spec"]["template"]["spec"]
            assert {each["image"] for each in (*pod["containers"], *pod.get("initContainers", ()))} <= built


def test_skaffold_renders_folders_that_are_there() -> None:
    rendered = [SKAFFOLD["manifests"], *(profile["manifests"] for profile in SKAFFOLD["profiles"])]
    paths = [path for manifests in rendered for path in manifests["kustomize"]["paths"]]
    assert [path for path in paths if not (ROOT / path / "kustomization.yaml").is_file()] == []


def test_the_canary_runs_as_it_is_set_up_and_with_no_right_more_than_a_service() -> None:
    found = {each["kind"]: each for each in render(CANARY / "canary")}
    assert set(found) == {"Deployment", "Service", "ServiceAccount", "NetworkPolicy"}
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
