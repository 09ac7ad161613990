"""How to reach the broker."""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from headwater_kit.settings.loopback import is_loopback

OAUTH = "OAUTHBEARER"


class KafkaSettings(BaseSettings):
    """The broker's address and credentials; part of every service's settings."""

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Kafka bootstrap servers, host:port, comma separated"
    )
    kafka_security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        default="plaintext", description="how to talk to Kafka"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = Field(
        default="SCRAM-SHA-512", description="SASL mechanism, where the security protocol is a sasl one"
    )
    kafka_sasl_username: str = Field(default="", description="SASL user name; with OAUTHBEARER the client id")
    kafka_sasl_password: SecretStr = Field(
        default=SecretStr(""), description="SASL password; with OAUTHBEARER the client secret"
    )
    kafka_oauth_token_url: str = Field(
        default="",
        description="token endpoint that gives OAUTHBEARER its tokens, for client id and secret (OAuth's client "
        "credentials); an https address",
    )
    kafka_oauth_scope: str = Field(default="", description="scope asked for there; empty: none")
    kafka_oauth_ca: Path | None = Field(
        default=None, description="PEM of the token endpoint's authority; unset means the system's authorities"
    )
    kafka_tls_ca: Path | None = Field(
        default=None, description="PEM of the authority of the brokers; unset means the system's authorities"
    )
    kafka_tls_cert: Path | None = Field(
        default=None,
        description="PEM of the certificate chain that this process shows to the brokers (mTLS); needs KAFKA_TLS_KEY",
    )
    kafka_tls_key: Path | None = Field(default=None, description="PEM of its private key; needs KAFKA_TLS_CERT")
    kafka_group_protocol: Literal["classic", "consumer"] = Field(
        default="classic",
        description="consumer group protocol: classic (any broker) or consumer (KIP-848, brokers from 4.0)",
    )
    kafka_group_instance_id: str = Field(
        default="",
        description="static group membership: a name of this process that outlives it, unique in the group; a "
        "restarted process then gets its partitions back at once. Set it for all members of a group or for none. "
        "Empty: dynamic membership",
    )

    @field_validator("kafka_oauth_token_url")
    @classmethod
    def _check_token_url(cls, text: str) -> str:
        address = urlsplit(text)
        if text and address.scheme != "https" and not is_loopback(address.hostname or ""):
            raise ValueError("the client secret would go there in clear: give an https address")
        return text

    @model_validator(mode="after")
    def _check_sasl(self) -> Self:
        has_credentials = bool(self.kafka_sasl_username and self.kafka_sasl_password.get_secret_value())
        if self.kafka_uses_sasl and not has_credentials:
            raise ValueError(
                f"HEADWATER_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs "
                "HEADWATER_KAFKA_SASL_USERNAME and HEADWATER_KAFKA_SASL_PASSWORD"
            )
        if self.kafka_uses_sasl and self.kafka_sasl_mechanism == OAUTH and not self.kafka_oauth_token_url:
            raise ValueError(f"HEADWATER_KAFKA_SASL_MECHANISM={OAUTH} needs HEADWATER_KAFKA_OAUTH_TOKEN_URL")
        return self

    @model_validator(mode="after")
    def _check_kafka_pair(self) -> Self:
        if (self.kafka_tls_cert is None) != (self.kafka_tls_key is None):
            raise ValueError("HEADWATER_KAFKA_TLS_CERT and HEADWATER_KAFKA_TLS_KEY go together: set both or none")
        if self.kafka_tls_cert is not None and not self.kafka_uses_tls:
            raise ValueError(
                f"HEADWATER_KAFKA_TLS_CERT is shown to nobody with HEADWATER_KAFKA_SECURITY_PROTOCOL="
                f"{self.kafka_security_protocol}: set it to ssl or sasl_ssl"
            )
        return self

    @property
    def kafka_uses_tls(self) -> bool:
        """Whether the brokers are talked to by TLS."""
        return self.kafka_security_protocol in {"ssl", "sasl_ssl"}

    @property
    def kafka_uses_sasl(self) -> bool:
        """Whether this process logs in by SASL."""
        return self.kafka_security_protocol in {"sasl_plaintext", "sasl_ssl"}

    def kafka_client_config(self) -> dict[str, str]:
        """The librdkafka properties of a connection: bootstrap, protocol, credentials, authority."""
        config = {
            "bootstrap.servers": self.kafka_bootstrap,
            "security.protocol": self.kafka_security_protocol,
        }
        if self.kafka_uses_sasl:
            config |= self._sasl()
        files = {
            "ssl.ca.location": self.kafka_tls_ca,
            "ssl.certificate.location": self.kafka_tls_cert,
            "ssl.key.location": self.kafka_tls_key,
        }
        return config | {name: str(path) for name, path in files.items() if path is not None}

    def _sasl(self) -> dict[str, str]:
        name, secret = self.kafka_sasl_username, self.kafka_sasl_password.get_secret_value()
        if self.kafka_sasl_mechanism != OAUTH:
            return {"sasl.mechanism": self.kafka_sasl_mechanism, "sasl.username": name, "sasl.password": secret}
        config = {
            "sasl.mechanism": OAUTH,
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.token.endpoint.url": self.kafka_oauth_token_url,
            "sasl.oauthbearer.client.id": name,
            "sasl.oauthbearer.client.secret": secret,
        }
        if self.kafka_oauth_scope:
            config["sasl.oauthbearer.scope"] = self.kafka_oauth_scope
        if self.kafka_oauth_ca is not None:
            config["https.ca.location"] = str(self.kafka_oauth_ca)
        return config
