"""A service's access as its settings say: who is let in, and as whom it calls its peers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headwater_kit.auth.api_keys import ApiKeys
from headwater_kit.auth.carried import Carried, Signer
from headwater_kit.auth.certificates import Certificates
from headwater_kit.auth.claims import ClaimNames
from headwater_kit.auth.jwks import KeySet, from_file, from_url
from headwater_kit.auth.peer_keys import PeerKeys, read_private_key
from headwater_kit.auth.signed import Terms
from headwater_kit.auth.tokens import Tokens
from headwater_kit.auth.verifier import Verifier
from headwater_kit.bus.credentials import CredentialRecords
from headwater_kit.bus.ports import Bus
from headwater_kit.bus.table import Table
from headwater_kit.bus.topics import CREDENTIALS
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import Misconfigured
from headwater_kit.rpc.doorkeeper import Doorkeeper
from headwater_kit.rpc.identity import CarryingIdentity, Identity, TrustedIdentity
from headwater_kit.rpc.metadata import TrustedMetadata
from headwater_kit.runtime.component import Component
from headwater_kit.settings import ServiceSettings
from headwater_kit.settings.access import API_KEY, JWT, MTLS


@dataclass(frozen=True, slots=True)
class Access:
    """The doorkeeper, and what it needs to be kept up to date."""

    doorkeeper: Doorkeeper
    components: Sequence[Component] = ()


def open_access(settings: ServiceSettings, bus: Bus, clock: Clock, rng: random.Random | None = None) -> Access:
    """Who is let in, as `settings.auth` says. Reads key files; connects to nothing yet. Raises Misconfigured."""
    records = CredentialRecords()
    table = Table(bus, CREDENTIALS, records.apply, clock=clock, rng=rng or random.Random())
    keys = _issuer_keys(settings, clock) if JWT in settings.auth_kinds else None
    doorkeeper = Doorkeeper(
        _verifiers(settings, records, keys, clock),
        is_suspended=records.is_suspended,
        is_told=lambda: table.caught_up,
    )
    records.told.append(doorkeeper.review)
    return Access(doorkeeper, (table,) if keys is None else (table, keys))


def trusting(settings: ServiceSettings) -> Access:
    """Believes whoever calls, without a bus to tell of suspensions. Raises Misconfigured where that is not set."""
    if not settings.trusts_metadata:
        raise Misconfigured(f"HEADWATER_AUTH={settings.auth} needs a bus, and this service was wired without one")
    return Access(Doorkeeper([TrustedMetadata()]))


def identity_of(settings: ServiceSettings, clock: Clock) -> Identity:
    """As whom a service calls its peers. Raises Misconfigured."""
    if settings.trusts_metadata:
        return TrustedIdentity()
    if settings.peer_key is None:
        raise Misconfigured(
            f"HEADWATER_AUTH={settings.auth} needs HEADWATER_PEER_KEY: the key by which {settings.service} signs whom "
            "it calls its peers for"
        )
    return CarryingIdentity(Signer(settings.service, read_private_key(settings.peer_key), clock).token)


def _verifiers(
    settings: ServiceSettings, records: CredentialRecords, keys: KeySet | None, clock: Clock
) -> Sequence[Verifier]:
    if settings.trusts_metadata:
        return [TrustedMetadata()]
    found: list[Verifier] = []
    # What a peer carries comes before all else: it is for the caller that the peer's own certificate does not name.
    if settings.peer_keys is not None:
        found.append(Carried(PeerKeys(settings.peer_keys, clock), settings.auth_leeway_seconds, clock))
    if API_KEY in settings.auth_kinds:
        found.append(ApiKeys(records.key, clock))
    if keys is not None:
        terms = Terms(settings.jwt_issuer, settings.jwt_audience, settings.auth_leeway_seconds)
        claims, revoked = _claim_names(settings), records.is_revoked
        found.append(Tokens(keys, settings.algorithms(), terms, claims, clock, is_revoked=revoked))
    if MTLS in settings.auth_kinds:
        domain, path = settings.spiffe_trust_domain, settings.spiffe_path
        found.append(Certificates(domain, path, settings.certificate_roles(), clock))
    return found


def _issuer_keys(settings: ServiceSettings, clock: Clock) -> KeySet:
    place = settings.jwt_jwks
    read = from_url(place) if "://" in place else from_file(Path(place))
    return KeySet(read, clock, settings.jwt_jwks_seconds)


def _claim_names(settings: ServiceSettings) -> ClaimNames:
    return ClaimNames(
        tenant_claim=settings.jwt_tenant_claim,
        user_claim=settings.jwt_user_claim,
        groups_claim=settings.jwt_groups_claim,
        roles_claim=settings.jwt_roles_claim,
        fixed_tenant=settings.jwt_tenant,
        roles=settings.token_roles(),
    )
