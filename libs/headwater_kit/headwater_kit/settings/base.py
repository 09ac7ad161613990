"""The settings that every service has."""

from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from headwater_kit.settings.access import MTLS, AccessSettings
from headwater_kit.settings.audit import AuditSettings
from headwater_kit.settings.kafka import KafkaSettings
from headwater_kit.settings.loopback import is_loopback
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS
from headwater_kit.settings.quotas import QuotaSettings

PREFIX = "HEADWATER_"
MIB = 1024 * 1024


class Settings(BaseSettings):
    """Settings read from the environment: field `x_y` from HEADWATER_X_Y; an empty variable counts as unset."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        validate_default=False,
    )

    secrets_dir: Path | None = Field(
        default=None,
        description="folder of files that are named as these variables, in any case, and hold their values, as a "
        "mounted secret does; a variable that is set goes before its file",
    )

    @model_validator(mode="after")
    def _check_addresses(self) -> Self:
        # Addresses are printed wherever something is wrong with them.
        for name, value in self:
            if isinstance(value, str) and "://" in value and "@" in urlsplit(value).netloc:
                raise ValueError(
                    f"{PREFIX}{name.upper()} holds a name or a password, and addresses are printed: take them out, and "
                    "give them by the settings for secrets"
                )
        return self


class CallerSettings(Settings):
    """What whoever calls the services can be told: a client, and each service as a peer."""

    grpc_max_message_bytes: int = Field(
        default=4 * MIB, ge=64 * 1024, le=64 * MIB, description="largest message sent or received by gRPC, in bytes"
    )
    default_deadline_seconds: float = Field(
        default=10.0, gt=0, description="deadline of a call, received or made, that comes without one"
    )
    tls_cert: Path | None = Field(default=None, description="PEM of the server's certificate chain; needs TLS_KEY")
    tls_key: Path | None = Field(default=None, description="PEM of the server's private key; needs TLS_CERT")
    tls_peer_ca: Path | None = Field(
        default=None,
        description="PEM of the authority of peer services; set, they are called by TLS, with TLS_CERT shown if set",
    )

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("HEADWATER_TLS_CERT and HEADWATER_TLS_KEY go together: set both or none")
        return self


class ServiceSettings(AuditSettings, QuotaSettings, KafkaSettings, AccessSettings, CallerSettings):
    """What every service can be told. A service subclasses it and sets `service`.

    Its own fields are named `<service>_<thing>`; each has a description.
    """

    service: ClassVar[str] = ""

    bus: str = Field(default="kafka", description="bus adapter: kafka, or memory for tests within one process")
    grpc_host: str = Field(default="127.0.0.1", description="address that the gRPC server binds to")
    grpc_port: int = Field(default=0, ge=0, le=65535, description="port of the gRPC server; 0 takes a free one")
    grpc_max_concurrent_calls: int = Field(
        default=256, ge=1, description="calls served at once; more are refused with RESOURCE_EXHAUSTED"
    )
    grpc_max_streams: int = Field(
        default=1024, ge=1, description="calls under way at once on one connection; more wait at the caller's"
    )
    grpc_min_ping_seconds: float = Field(
        default=10.0,
        ge=1,
        description="a caller that pings oftener than this is told so (ENHANCE_YOUR_CALM), and its connection ends",
    )
    grpc_max_connection_idle_seconds: float = Field(
        default=1800.0, ge=1, description="a connection without calls for so long is closed; callers open another"
    )
    grpc_max_connection_age_seconds: float = Field(
        default=3600.0,
        ge=1,
        description="a connection takes no new calls after about so long, so that callers spread over new processes "
        "and come with new certificates",
    )
    grpc_connection_grace_seconds: float = Field(
        default=600.0, ge=0, description="time that calls under way then have to end"
    )
    health_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="port, on GRPC_HOST, that answers health checks alone and without TLS, for probes that know none; "
        "0: none",
    )
    tls_client_ca: Path | None = Field(
        default=None, description="PEM of the authority of client certificates; set, every caller must show one"
    )
    allow_insecure_bind: bool = Field(
        default=False,
        description="allows binding to an address other than loopback without TLS, or with callers believed without a "
        "credential, as behind a network policy",
    )
    metrics_host: str = Field(default="127.0.0.1", description="address that the Prometheus endpoint binds to")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="port of the Prometheus endpoint; 0 turns it off")
    metrics_tls: Literal["off", "server", "mutual"] = Field(
        default="off",
        description="TLS of the Prometheus endpoint: off; server, with TLS_CERT; mutual, where whoever reads must show "
        "a certificate of TLS_CLIENT_CA too",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="log line format; auto is text on a terminal and json elsewhere"
    )
    otlp_endpoint: str = Field(
        default="", description="OTLP gRPC endpoint for traces and metrics, such as http://127.0.0.1:4317; empty: none"
    )
    trace_ratio: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="share of traces that are recorded, where they are sent or kept at all; of a trace that a caller "
        "began, the caller's decision holds",
    )
    trace_errors: bool = Field(
        default=True, description="whether spans that failed are recorded in the other traces too"
    )
    trace_file_mb: int = Field(
        default=0, ge=0, le=1024, description="size of the spans kept in files in DATA_DIR, in MiB; 0 keeps none"
    )
    drain_seconds: float = Field(
        default=8.0, gt=0, description="time for finishing work after SIGTERM or SIGINT, all components together"
    )
    data_dir: Path = Field(
        default=Path(".headwater"), description="folder for caches that may be lost; made when first needed"
    )
    consumer_attempt_seconds: float = Field(
        default=300.0, gt=0, description="time for handling one record once; longer counts as a failure, in seconds"
    )
    consumer_max_dead_letters: int = Field(
        default=100,
        ge=0,
        description="of the last 200 records of a partition, how many may be put aside; with one more the partition "
        "stands, NOT_SERVING, and the record is tried again until it passes or the service is restarted",
    )
    crash_at: str = Field(
        default="",
        description="for tests of crashes: name:n ends the process, as kill -9 does, at the n-th pass of a point that "
        "headwater_kit.core.crash names; empty: never",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Gives a service's settings the service's usual ports as defaults."""
        super().__pydantic_init_subclass__(**kwargs)
        usual = {"grpc_port": GRPC_PORTS.get(cls.service), "metrics_port": METRICS_PORTS.get(cls.service)}
        for field, port in usual.items():
            if port is not None and field not in cls.__annotations__:
                cls.model_fields[field].default = port
        cls.model_rebuild(force=True)

    @model_validator(mode="after")
    def _check_client_ca(self) -> Self:
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("HEADWATER_TLS_CLIENT_CA needs HEADWATER_TLS_CERT and HEADWATER_TLS_KEY")
        if MTLS in self.auth_kinds and self.tls_client_ca is None:
            raise ValueError(f"HEADWATER_AUTH with {MTLS} needs HEADWATER_TLS_CLIENT_CA")
        return self

    @model_validator(mode="after")
    def _check_binds(self) -> Self:
        if self.allow_insecure_bind:
            return self
        if self.tls_cert is None and not is_loopback(self.grpc_host):
            raise ValueError(
                f"HEADWATER_GRPC_HOST={self.grpc_host} is open to the network without TLS: "
                "set HEADWATER_TLS_CERT and HEADWATER_TLS_KEY, or HEADWATER_ALLOW_INSECURE_BIND=true"
            )
        if self.trusts_metadata and not is_loopback(self.grpc_host):
            raise ValueError(
                f"HEADWATER_GRPC_HOST={self.grpc_host} is open to the network and HEADWATER_AUTH={self.auth} believes "
                "whoever calls: set HEADWATER_AUTH to api-key, jwt or mtls, or HEADWATER_ALLOW_INSECURE_BIND=true"
            )
        if self.metrics_port and self.metrics_tls == "off" and not is_loopback(self.metrics_host):
            raise ValueError(
                f"HEADWATER_METRICS_HOST={self.metrics_host} is open to the network without TLS: "
                "set HEADWATER_METRICS_TLS, or HEADWATER_ALLOW_INSECURE_BIND=true if that is meant"
            )
        return self

    @model_validator(mode="after")
    def _check_metrics_tls(self) -> Self:
        if self.metrics_tls != "off" and self.tls_cert is None:
            raise ValueError(f"HEADWATER_METRICS_TLS={self.metrics_tls} needs HEADWATER_TLS_CERT and HEADWATER_TLS_KEY")
        if self.metrics_tls == "mutual" and self.tls_client_ca is None:
            raise ValueError("HEADWATER_METRICS_TLS=mutual needs HEADWATER_TLS_CLIENT_CA")
        return self
