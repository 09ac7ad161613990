"""How to reach the broker."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class KafkaSettings(BaseSettings):
    """The broker's address and credentials; part of every service's settings."""

    kafka_bootstrap: str = Field(
        default="127.0.0.1:9092", min_length=1, description="Kafka bootstrap servers, host:port, comma separated"
    )
    kafka_security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = Field(
        default="plaintext", description="how to talk to Kafka"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="SASL mechanism, where the security protocol is a sasl one"
    )
    kafka_sasl_username: str = Field(default="", description="SASL user name")
    kafka_sasl_password: SecretStr = Field(default=SecretStr(""), description="SASL password")
    kafka_tls_ca: Path | None = Field(
        default=None, description="PEM of the authority of the brokers; unset means the system's authorities"
    )
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

    @model_validator(mode="after")
    def _check_sasl(self) -> Self:
        has_credentials = bool(self.kafka_sasl_username and self.kafka_sasl_password.get_secret_value())
        if self.kafka_security_protocol.startswith("sasl") and not has_credentials:
            raise ValueError(
                f"HEADWATER_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs "
                "HEADWATER_KAFKA_SASL_USERNAME and HEADWATER_KAFKA_SASL_PASSWORD"
            )
        return self

    def kafka_client_config(self) -> dict[str, str]:
        """The librdkafka properties of a connection: bootstrap, protocol, credentials, authority."""
        config = {
            "bootstrap.servers": self.kafka_bootstrap,
            "security.protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.startswith("sasl"):
            config["sasl.mechanism"] = self.kafka_sasl_mechanism
            config["sasl.username"] = self.kafka_sasl_username
            config["sasl.password"] = self.kafka_sasl_password.get_secret_value()
        if self.kafka_tls_ca is not None:
            config["ssl.ca.location"] = str(self.kafka_tls_ca)
        return config
