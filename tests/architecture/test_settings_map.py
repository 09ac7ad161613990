"""The ConfigMap has every setting and nothing else, and says what holds."""

from collections.abc import Mapping
from typing import Any

import pytest
from architecture.house import ROOT, SERVICES
from architecture.kustomize import environment, of_kind, render
from headwater_client.canary.settings import Settings as CanarySettings
from headwater_kit.settings import ServiceSettings, load
from headwater_kit.settings.load import env_name
from headwater_kit.settings.ports import GRPC_PORTS
from manifests.services import CANARY, settings_of
from pydantic import SecretStr

K8S = ROOT / "deploy/k8s"
SETTINGS = K8S / "base/settings"
OVERLAYS = sorted(path.parent for path in K8S.glob("overlays/*/kustomization.yaml"))
# Of a store that is there, and not only named.
NEEDS_MORE = {"HEADWATER_KAFKA_SASL_USERNAME": "ingest", "HEADWATER_KAFKA_SASL_PASSWORD": "secret"}


def classes() -> Mapping[str, type[ServiceSettings]]:
    return {reader: settings_of(reader) for reader in (*SERVICES, CANARY)}


def variables(*, is_secret: bool) -> set[str]:
    """Every setting that is secret, or that is not, by its variable."""
    fields = [(name, field) for kind in classes().values() for name, field in kind.model_fields.items()]
    return {env_name(name) for name, field in fields if (field.annotation is SecretStr) == is_secret}


def settings_map(overlay: Any) -> dict[str, str]:
    maps = of_kind(render(overlay), "ConfigMap")
    (found,) = [each for name, each in maps.items() if name.startswith("headwater-")]
    data: dict[str, str] = found["data"]
    return data


def put(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.name)
def test_the_map_has_every_setting_that_is_no_secret_and_nothing_else(overlay: Any) -> None:
    assert set(settings_map(overlay)) == variables(is_secret=False)


def test_the_secret_has_every_setting_that_is_one() -> None:
    assert set(environment(SETTINGS / "secret.env")) == variables(is_secret=True)


@pytest.mark.parametrize("reader", [*SERVICES, CANARY])
def test_the_defaults_change_nothing(reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unset = load(classes()[reader])
    put(monkeypatch, environment(SETTINGS / "defaults.env"))
    assert load(classes()[reader]) == unset


@pytest.mark.parametrize("reader", [*SERVICES, CANARY])
@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda overlay: overlay.name)
def test_a_service_starts_with_the_map(overlay: Any, reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Where no pod is, its folder is not.
    put(monkeypatch, settings_map(overlay) | NEEDS_MORE | {"HEADWATER_SECRETS_DIR": ""})
    assert load(classes()[reader])


def test_every_setting_that_means_this_machine_is_set_for_the_cluster() -> None:
    local = {name for name, value in environment(SETTINGS / "defaults.env").items() if "127.0.0.1" in value}
    ours = environment(K8S / "base/settings.env")
    assert local - set(ours) == set()
    assert [name for name in local if "127.0.0.1" in ours[name]] == []


def test_targets_are_services_at_their_ports() -> None:
    targets = {name: value for name, value in environment(K8S / "base/settings.env").items() if "_TARGET" in name}
    for service, port in GRPC_PORTS.items():
        assert targets[f"HEADWATER_{service.upper()}_TARGET"] == f"dns:///{service}:{port}"


def test_the_canary_needs_no_setting_of_its_own() -> None:
    assert {env_name(name) for name in CanarySettings.model_fields} <= variables(is_secret=False) | variables(
        is_secret=True
    )
