"""Client certificates, through TLS itself."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from headwater.ingest.v1 import ingest_pb2 as pb
from headwater.ingest.v1.ingest_pb2_grpc import IngestServiceStub
from headwater_kit.auth.certificates import Certificates, pattern_of
from headwater_kit.auth.shown import CERTIFICATE, Shown
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Misconfigured, Unauthenticated
from headwater_kit.core.roles import Role
from headwater_kit.rpc import connect, context
from headwater_kit.runtime import open_access
from headwater_kit.testing.clock import ManualClock
from headwater_kit.testing.scripted import ScriptedSettings, scripted

NOW = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
Issue = Callable[..., tuple[bytes, bytes]]


@pytest.fixture(scope="module")
def issue() -> Issue:
    """Makes certificates, with their keys, under one authority; without names, the authority's own."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])

    def make(*names: x509.GeneralName, days: int = 3650, of_authority: bool = False) -> tuple[bytes, bytes]:
        key = authority_key if of_authority else ec.generate_private_key(ec.SECP256R1())
        subject = authority_name if of_authority else x509.Name([])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + DAY * days)
            .add_extension(x509.BasicConstraints(ca=of_authority, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        certificate = builder.sign(authority_key, hashes.SHA256()).public_bytes(Encoding.PEM)
        return certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    return make


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def shown(pem: bytes) -> Shown:
    return Shown(peer={CERTIFICATE: [pem]})


def certificates(path: str = "/ns/{tenant}/sa/{user}", clock: ManualClock | None = None) -> Certificates:
    return Certificates("example.org", path, [Role.READER], clock or ManualClock(NOW.timestamp()))


async def test_the_spiffe_id_says_who_calls(issue: Issue) -> None:
    pem, _ = issue(uri("spiffe://example.org/ns/acme/sa/web"))
    assert await certificates().principal(shown(pem)) == Principal("acme", "web", (), frozenset({Role.READER}))


async def test_the_path_may_say_the_role(issue: Issue) -> None:
    pem, _ = issue(uri("spiffe://example.org/acme/producer/web"))
    found = await certificates("/{tenant}/{role}/{user}").principal(shown(pem))
    assert found == Principal("acme", "web", (), frozenset({Role.PRODUCER}))


@pytest.mark.parametrize(
    "names",
    [
        [],
        [uri("spiffe://elsewhere.org/ns/acme/sa/web")],
        [uri("spiffe://example.org.evil.org/ns/acme/sa/web")],
        [uri("spiffe://exampleXorg/ns/acme/sa/web")],
        [uri("spiffe://example.org/ns/acme/sa/web/more")],
        [uri("spiffe://example.org/ns/acme%2F/sa/web")],
        [uri("spiffe://example.org/ns//sa/web")],
        [uri("https://example.org/ns/acme/sa/web")],
        [uri("spiffe://example.org/ns/acme/sa/web"), uri("spiffe://example.org/ns/globex/sa/web")],
        [x509.DNSName("spiffe://example.org/ns/acme/sa/web")],
    ],
    ids=str,
)
async def test_another_name_is_nobodys(issue: Issue, names: list[x509.GeneralName]) -> None:
    pem, _ = issue(*names)
    with pytest.raises(Unauthenticated) as caught:
        await certificates().principal(shown(pem))
    assert caught.value.reason == "BAD_CREDENTIAL"


@pytest.mark.parametrize("role", ["peer", "king"])
async def test_a_role_that_cannot_be_given_is_not(issue: Issue, role: str) -> None:
    pem, _ = issue(uri(f"spiffe://example.org/acme/{role}/web"))
    try:
        roles = (await certificates("/{tenant}/{role}/{user}").principal(shown(pem))).roles
    except Unauthenticated:
        roles = frozenset()
    assert roles == frozenset()


async def test_a_certificate_ends_though_its_connection_goes_on(issue: Issue) -> None:
    pem, _ = issue(uri("spiffe://example.org/ns/acme/sa/web"), days=1)
    clock = ManualClock(NOW.timestamp())
    verifier = certificates(clock=clock)
    await verifier.principal(shown(pem))
    clock.jump(DAY.total_seconds())
    with pytest.raises(Unauthenticated) as caught:
        await verifier.principal(shown(pem))
    assert caught.value.reason == "EXPIRED"


@pytest.mark.parametrize(
    "path", ["", "ns/{tenant}/{user}", "/{tenant}", "/{tenant}/{user}/{user}", "/{tenant}/{user}/{x}"]
)
def test_a_template_that_leaves_something_out_is_refused(path: str) -> None:
    with pytest.raises(Misconfigured, match="HEADWATER_SPIFFE_PATH"):
        pattern_of(path)


async def test_through_tls(issue: Issue, tmp_path: Path) -> None:
    files = {}
    for name, pair in {
        "authority": issue(of_authority=True),
        "server": issue(x509.DNSName("localhost")),
        "client": issue(uri("spiffe://example.org/ns/acme/sa/web")),
    }.items():
        files[name] = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        for path, content in zip(files[name], pair, strict=True):
            path.write_bytes(content)
    authority = files["authority"][0]
    cert, key = files["server"]
    told = ScriptedSettings(
        auth="mtls", tls_cert=cert, tls_key=key, tls_client_ca=authority,
        spiffe_trust_domain="example.org", spiffe_path="/ns/{tenant}/sa/{user}",
    )  # fmt: skip
    seen: list[Principal] = []

    async def note(_: object) -> None:
        seen.append(context.principal())

    async with scripted(note, told, access=open_access(told, MemoryBus(), SystemClock())) as service:
        cert, key = files["client"]
        caller = ScriptedSettings(tls_cert=cert, tls_key=key, tls_peer_ca=authority)
        channel = connect(f"localhost:{service.port}", caller)
        await IngestServiceStub(channel).GetDocument(pb.GetDocumentRequest())
        await channel.close()
    assert seen == [Principal("acme", "web", (), frozenset({Role.READER}))]
