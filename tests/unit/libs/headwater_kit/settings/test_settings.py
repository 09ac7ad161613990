import re
from pathlib import Path

import pytest
from headwater_kit.settings import MilvusSettings, ServiceSettings, SettingsError, docs, load, peer
from headwater_kit.settings.loopback import is_loopback
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS
from headwater_kit.settings.table import as_markdown, as_text, rows
from pydantic import Field, SecretStr


class Settings(MilvusSettings, ServiceSettings):
    service = "embed"

    embed_batch_tokens: int = Field(default=2048, ge=1, description="tokens in a batch | at most")
    embed_words: tuple[str, ...] = Field(default=(), description="words")
    embed_key: SecretStr = Field(default=SecretStr("s3cret"), description="a secret")
    index_target: str = peer("index")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("HEADWATER_")]:
        monkeypatch.delenv(name)


def faults(monkeypatch: pytest.MonkeyPatch, **env: str) -> tuple[str, ...]:
    for name, value in env.items():
        monkeypatch.setenv(f"HEADWATER_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load(Settings)
    return caught.value.faults


def test_a_service_has_its_usual_ports() -> None:
    settings = load(Settings)
    assert (settings.grpc_port, settings.metrics_port) == (7402, 7502)
    assert settings.index_target == "127.0.0.1:7403"
    # The base class keeps its own default.
    assert ServiceSettings().grpc_port == 0


def test_no_two_usual_ports_are_the_same() -> None:
    ports = [*GRPC_PORTS.values(), *METRICS_PORTS.values()]
    assert len(set(ports)) == len(ports)


def test_the_environment_sets_and_an_empty_variable_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_GRPC_PORT", "9000")
    monkeypatch.setenv("HEADWATER_EMBED_BATCH_TOKENS", "")
    assert (load(Settings).grpc_port, load(Settings).embed_batch_tokens) == (9000, 2048)


def test_every_fault_has_its_line_and_none_shows_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    found = faults(monkeypatch, GRPC_PORT="hunter2", EMBED_BATCH_TOKENS="0", AUTH="hunter2")
    assert [line.partition(":")[0] for line in found] == [
        "HEADWATER_AUTH",
        "HEADWATER_GRPC_PORT",
        "HEADWATER_EMBED_BATCH_TOKENS",
    ]
    assert "hunter2" not in "".join(found)


def test_a_list_that_is_not_json_is_one_line_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(monkeypatch, EMBED_WORDS="hunter2") == ("HEADWATER_EMBED_WORDS: is not JSON (words)",)


def test_a_list_is_shown_as_one() -> None:
    assert [(row.type, row.default) for row in rows(Settings) if row.env.endswith("WORDS")] == [("JSON list", "[]")]


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({"GRPC_HOST": "0.0.0.0"}, ["HEADWATER_GRPC_HOST", "HEADWATER_ALLOW_INSECURE_BIND"]),
        (
            {"GRPC_HOST": "0.0.0.0", "TLS_CERT": "c.pem", "TLS_KEY": "k.pem"},
            ["HEADWATER_AUTH", "HEADWATER_ALLOW_INSECURE_BIND"],
        ),
        ({"AUTH": "insecure-metadata,api-key"}, ["HEADWATER_AUTH", "insecure-metadata"]),
        ({"AUTH": ","}, ["HEADWATER_AUTH"]),
        ({"AUTH": "jwt", "JWT_ISSUER": "me"}, ["HEADWATER_JWT_AUDIENCE", "HEADWATER_JWT_JWKS"]),
        ({"AUTH": "mtls"}, ["HEADWATER_SPIFFE_TRUST_DOMAIN"]),
        ({"AUTH": "mtls", "SPIFFE_TRUST_DOMAIN": "example.org"}, ["HEADWATER_TLS_CLIENT_CA"]),
        ({"JWT_ALGORITHMS": "HS256"}, ["HEADWATER_JWT_ALGORITHMS"]),
        ({"JWT_ALGORITHMS": "none"}, ["HEADWATER_JWT_ALGORITHMS"]),
        ({"JWT_JWKS": "http://example.org/keys"}, ["HEADWATER_JWT_JWKS", "https"]),
        ({"JWT_ROLES": "staff=peer"}, ["HEADWATER_JWT_ROLES"]),
        ({"JWT_ROLES": "staff"}, ["HEADWATER_JWT_ROLES"]),
        ({"SPIFFE_ROLES": "peer"}, ["HEADWATER_SPIFFE_ROLES"]),
        ({"METRICS_HOST": "::"}, ["HEADWATER_METRICS_HOST", "HEADWATER_ALLOW_INSECURE_BIND"]),
        ({"TLS_CERT": "c.pem"}, ["HEADWATER_TLS_CERT", "HEADWATER_TLS_KEY"]),
        ({"TLS_CLIENT_CA": "c.pem"}, ["HEADWATER_TLS_CLIENT_CA", "HEADWATER_TLS_CERT"]),
        ({"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"}, ["HEADWATER_KAFKA_SASL_USERNAME", "HEADWATER_KAFKA_SASL_PASSWORD"]),
    ],
)
def test_what_goes_together_is_checked_together(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], names: list[str]
) -> None:
    (line,) = faults(monkeypatch, **env)
    assert all(name in line for name in names)
    assert not line.startswith("Value error")


@pytest.mark.parametrize(
    "env",
    [
        {"GRPC_HOST": "0.0.0.0", "ALLOW_INSECURE_BIND": "true"},
        {"GRPC_HOST": "0.0.0.0", "TLS_CERT": "c.pem", "TLS_KEY": "k.pem", "AUTH": "api-key"},
        {"AUTH": "jwt, api-key", "JWT_ISSUER": "me", "JWT_AUDIENCE": "you", "JWT_JWKS": "keys.json"},
        {"JWT_JWKS": "http://127.0.0.1:8080/keys"},
        {"METRICS_HOST": "0.0.0.0", "METRICS_PORT": "0"},
        {"GRPC_HOST": "localhost"},
        {"GRPC_HOST": "::1"},
    ],
)
def test_binds_that_are_safe_or_meant(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    for name, value in env.items():
        monkeypatch.setenv(f"HEADWATER_{name}", value)
    load(Settings)


@pytest.mark.parametrize(("host", "expected"), [("127.9.9.9", True), ("10.0.0.1", False), ("example.org", False)])
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_kafka_client_config_carries_credentials_only_where_used() -> None:
    plain = ServiceSettings(kafka_sasl_password=SecretStr("x"))
    assert plain.kafka_client_config() == {
        "bootstrap.servers": "127.0.0.1:9092",
        "security.protocol": "plaintext",
    }
    sasl = ServiceSettings(
        kafka_security_protocol="sasl_ssl",
        kafka_sasl_username="me",
        kafka_sasl_password=SecretStr("x"),
        kafka_tls_ca=Path("ca.pem"),
    ).kafka_client_config()
    assert (sasl["sasl.username"], sasl["sasl.password"], sasl["ssl.ca.location"]) == ("me", "x", "ca.pem")


def test_every_setting_has_a_description() -> None:
    assert [row.env for row in rows(Settings) if not row.description] == []


def test_tables_show_every_setting_and_no_secret() -> None:
    for table in (as_text(Settings), as_markdown(Settings)):
        for row in rows(Settings):
            assert row.env in table
        assert "s3cret" not in table
    assert "batch \\| at most" in as_markdown(Settings)


def test_a_readme_is_written_checked_and_found_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "settings_of", lambda _: Settings)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{docs.BEGIN}\nold\n{docs.END}\nafter\n")
    assert docs.main(["--check", str(readme)]) == 1
    assert str(readme) in capsys.readouterr().err
    assert docs.main([str(readme)]) == 0
    assert docs.main(["--check", str(readme)]) == 0
    assert re.match(r"before\n<!-- settings -->\n\|.*\|\n<!-- /settings -->\nafter\n", readme.read_text(), re.DOTALL)


def test_a_readme_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- settings -->"):
        docs.with_table("no markers", "table")
