"""A broker that denies by default, with users by SCRAM, by OAuth and by certificate, as a cluster's may be.

It is the platform's own, with four listeners more: the tests make topics, users and rules through the plain one, whose
callers are super users.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from headwater_cli.platform import jars, kafka
from headwater_cli.platform.engines import jar_cache
from headwater_cli.platform.java import find_java
from headwater_cli.platform.lifecycle import running
from headwater_cli.platform.ports import HOST, PortLeases
from headwater_cli.settings import PlatformSettings, inherited
from headwater_kit.bus.acls import USERS, Kind
from headwater_kit.bus.kafka import KafkaBus, KafkaConfig
from headwater_kit.bus.topics import TOPICS
from headwater_kit.settings import ServiceSettings
from headwater_kit.testing.certificates import Authority, replace
from headwater_kit.testing.issuing import AUDIENCE, ISSUER, Issuer
from pydantic import SecretStr

SECONDS = 20.0
LISTENERS = ("SCRAM", "OAUTH", "MTLS")
OAUTH_MODULE = "org.apache.kafka.common.security.oauthbearer"
KINDS = {Kind.TOPIC: ResourceType.TOPIC, Kind.GROUP: ResourceType.GROUP}


def password(user: str) -> str:
    """The user's, by SCRAM and as a client's secret."""
    return f"secret-of-{user}"


@dataclass(frozen=True, slots=True)
class Secured:
    """Where it listens, and what its callers need."""

    folder: Path
    authority: Authority
    plain: str
    addresses: dict[str, str]
    token_url: str

    def by_scram(self, user: str, secret: str = "") -> ServiceSettings:
        """Settings of a user who logs in by SCRAM, over TLS."""
        return self._settings(
            "SCRAM",
            kafka_security_protocol="sasl_ssl",
            kafka_sasl_username=user,
            kafka_sasl_password=SecretStr(secret or password(user)),
        )

    def by_oauth(self, user: str, secret: str = "") -> ServiceSettings:
        """Settings of a user whose tokens are by client credentials, over TLS."""
        return self._settings(
            "OAUTH",
            kafka_security_protocol="sasl_ssl",
            kafka_sasl_mechanism="OAUTHBEARER",
            kafka_sasl_username=user,
            kafka_sasl_password=SecretStr(secret or password(user)),
            kafka_oauth_token_url=self.token_url,
        )

    def by_certificate(self, user: str, authority: Authority | None = None, seconds: float = 3600) -> ServiceSettings:
        """Settings of a user who shows a certificate."""
        name = f"client-{user}"
        cert, key = (authority or self.authority).issue(user, seconds=seconds).write(self.folder, name)
        return self._settings("MTLS", kafka_security_protocol="ssl", kafka_tls_cert=cert, kafka_tls_key=key)

    def _settings(self, listener: str, **more: object) -> ServiceSettings:
        told = {"kafka_bootstrap": self.addresses[listener], "kafka_tls_ca": self.folder / "ca.pem", **more}
        return ServiceSettings.model_validate(told)


@contextmanager
def secured_broker(folder: Path) -> Iterator[Secured]:
    """Such a broker, with all topics, and a SCRAM user with the rights of each in `bus.acls`."""
    leases, authority, issuer = PortLeases(), Authority(), Issuer()
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / "ca.pem", authority.pem)
    server = authority.issue("broker")
    replace(folder / "broker.pem", server.key + server.certificate)
    replace(folder / "jwks.json", issuer.jwks())
    plain, controller, *others = (leases.pick(19_100 + number) for number in range(5))
    ports = dict(zip(LISTENERS, others, strict=True))
    with token_endpoint(issuer) as token_url:
        more = _listeners(plain, controller, ports) | _tls(folder) | _oauth(folder) | _rules()
        node = kafka.KafkaNode(folder / "kafka", plain, controller, folder / "kafka.log", more)
        java = find_java(PlatformSettings().java_home)
        program = kafka.kafka_program(node, java, jars.resolve(jar_cache(), jars.locked()))
        # Kafka reads keys from places that it was told of alone.
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={(folder / 'jwks.json').as_uri()}"
        with running(program, {**inherited(), "JDK_JAVA_OPTIONS": allowed}) as address:
            addresses = {name: f"{HOST}:{port}" for name, port in ports.items()}
            secured = Secured(folder, authority, address, addresses, token_url)
            _fill(address)
            yield secured
    leases.release()


def _listeners(plain: int, controller: int, ports: dict[str, int]) -> dict[str, str]:
    names = {"PLAINTEXT": plain, **ports}
    return {
        "listeners": ",".join(f"{name}://{HOST}:{port}" for name, port in {**names, "CONTROLLER": controller}.items()),
        "advertised.listeners": ",".join(f"{name}://{HOST}:{port}" for name, port in names.items()),
        "listener.security.protocol.map": ",".join(
            ("PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT", "SCRAM:SASL_SSL", "OAUTH:SASL_SSL", "MTLS:SSL")
        ),
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.mtls.ssl.client.auth": "required",
    }


def _tls(folder: Path) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
    }


def _oauth(folder: Path) -> dict[str, str]:
    listener = "listener.name.oauth"
    return {
        f"{listener}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{listener}.oauthbearer.sasl.jaas.config": f"{OAUTH_MODULE}.OAuthBearerLoginModule required;",
        f"{listener}.oauthbearer.sasl.server.callback.handler.class": (
            f"{OAUTH_MODULE}.OAuthBearerValidatorCallbackHandler"
        ),
        f"{listener}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": (folder / "jwks.json").as_uri(),
        f"{listener}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
        f"{listener}.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
        "sasl.oauthbearer.jwks.endpoint.url": (folder / "jwks.json").as_uri(),
        "sasl.oauthbearer.expected.audience": AUDIENCE,
    }


def _rules() -> dict[str, str]:
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": "User:ANONYMOUS",
    }


def _fill(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    create_topics(bootstrap)
    users = [
        UserScramCredentialUpsertion(
            user, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password(user).encode()
        )
        for user in USERS
    ]
    for done in admin.alter_user_scram_credentials(users).values():
        done.result(SECONDS)
    for done in admin.create_acls(list(bindings())).values():
        done.result(SECONDS)


def create_topics(bootstrap: str) -> None:
    """All that are declared, as the operator makes them."""
    import asyncio

    asyncio.run(KafkaBus(KafkaConfig({"bootstrap.servers": bootstrap})).create_topics(list(TOPICS)))


def bindings() -> Iterator[AclBinding]:
    """The table as Kafka's own rules."""
    for user, rights in USERS.items():
        for rule in rights.rules():
            for operation in rule.operations:
                yield AclBinding(
                    KINDS[rule.kind],
                    rule.name,
                    ResourcePatternType.LITERAL,
                    f"User:{user}",
                    "*",
                    AclOperation[operation.name],
                    AclPermissionType.ALLOW,
                )


@contextmanager
def token_endpoint(issuer: Issuer) -> Iterator[str]:
    """An OAuth token endpoint for client credentials, on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            import time

            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            name, _, secret = base64.b64decode(self.headers["Authorization"].split()[-1]).decode().partition(":")
            user = unquote(name)
            if body.get("grant_type") != ["client_credentials"] or unquote(secret) != password(user):
                self.send_error(401)
                return
            given = {"access_token": issuer.token(time.time(), sub=user), "expires_in": 300, "token_type": "Bearer"}
            raw = json.dumps(given).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}/token"
    finally:
        server.shutdown()
        server.server_close()
