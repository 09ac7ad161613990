"""Secrets come by variables or files, and are never printed."""

import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from headwater_cli.settings import PlatformSettings
from headwater_client import ClientSettings
from headwater_client.canary.settings import Settings as CanarySettings
from headwater_kit.settings import Settings, SettingsError, load
from headwater_kit.settings.ports import GRPC_PORTS
from headwater_kit.settings.table import as_markdown, as_text
from pydantic import SecretStr

PLANTED = "planted-secret-of-thirty-two-digits"


def of(module: str) -> type[Settings]:
    found: type[Settings] = importlib.import_module(module).Settings
    return found


KINDS: Mapping[str, type[Settings]] = {
    **{name: of(f"headwater_{name}.settings") for name in GRPC_PORTS},
    "client": ClientSettings,
    "canary": CanarySettings,
    "platform": PlatformSettings,
}
# Of these a caller gives one.
ALONE = {"token"}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HEADWATER_")]:
        monkeypatch.delenv(name)


def secrets(kind: type[Settings]) -> list[str]:
    return [name for name, field in kind.model_fields.items() if field.annotation is SecretStr and name not in ALONE]


@pytest.mark.parametrize("name", KINDS)
def test_a_secret_comes_by_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    for number, secret in enumerate(secrets(kind)):
        variable = f"HEADWATER_{secret}".upper()
        (tmp_path / (variable.lower() if number % 2 else variable)).write_text(f"{PLANTED}\n")
    monkeypatch.setenv("HEADWATER_SECRETS_DIR", str(tmp_path))
    found = load(kind)
    assert {getattr(found, secret).get_secret_value() for secret in secrets(kind)} <= {PLANTED}


def test_a_variable_goes_before_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "headwater_api_key").write_text("of the file")
    monkeypatch.setenv("HEADWATER_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("HEADWATER_API_KEY", "of the variable")
    assert load(ClientSettings).api_key.get_secret_value() == "of the variable"


def test_a_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_SECRETS_DIR", "/nowhere")
    with pytest.raises(SettingsError, match="HEADWATER_SECRETS_DIR: /nowhere is no folder"):
        load(ClientSettings)


@pytest.mark.parametrize("name", KINDS)
def test_settings_and_their_tables_show_no_secret(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    kind = KINDS[name]
    for secret in secrets(kind):
        monkeypatch.setenv(f"HEADWATER_{secret}".upper(), PLANTED)
    found = load(kind)
    shown = [
        repr(found),
        str(found),
        found.model_dump_json(),
        str(found.model_dump()),
        as_text(kind),
        as_markdown(kind),
    ]
    assert [text for text in shown if PLANTED in text] == []


@pytest.mark.parametrize("name", [name for name in KINDS if name not in {"client", "platform"}])
def test_a_value_that_does_not_fit_is_not_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("GRPC_PORT", "KAFKA_SASL_MECHANISM", "AUTH"):
        monkeypatch.setenv(f"HEADWATER_{variable}", PLANTED)
    with pytest.raises(SettingsError) as caught:
        load(KINDS[name])
    assert len(caught.value.faults) == 3
    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize("variable", ["MILVUS_URI", "JWT_JWKS", "OTLP_ENDPOINT"])
def test_an_address_takes_no_password(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(f"HEADWATER_{variable}", f"https://me:{PLANTED}@example.org/keys")
    with pytest.raises(SettingsError, match=f"HEADWATER_{variable} holds a name or a password") as caught:
        load(KINDS["index"])
    assert PLANTED not in str(caught.value)


def test_a_process_prints_none(tmp_path: Path) -> None:
    """At the noisiest level, on its way to a broker and a store that refuse it, and as it explains itself."""
    env = {f"HEADWATER_{secret}".upper(): PLANTED for secret in secrets(KINDS["generate"])}
    env |= {
        "HEADWATER_KAFKA_BOOTSTRAP": "127.0.0.1:9",
        "HEADWATER_KAFKA_SECURITY_PROTOCOL": "sasl_plaintext",
        "HEADWATER_KAFKA_SASL_USERNAME": "me",
        "HEADWATER_LLM_BASE_URL": "http://127.0.0.1:9/v1",
        "HEADWATER_LLM_MODEL": "any",
        "HEADWATER_LOG_LEVEL": "debug",
        "HEADWATER_GRPC_PORT": "0",
        "HEADWATER_METRICS_PORT": "0",
        "HEADWATER_DATA_DIR": str(tmp_path),
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "headwater_generate"], env={**clean, **env}, stderr=subprocess.PIPE, text=True
    )
    told = io.StringIO()
    assert process.stderr is not None
    for line in process.stderr:
        told.write(line)
        if "is not up yet" in json.loads(line)["message"]:
            process.terminate()
    assert process.wait(30) == 0
    assert "127.0.0.1:9" in told.getvalue()
    assert PLANTED not in told.getvalue()
