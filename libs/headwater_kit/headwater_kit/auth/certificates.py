"""Client certificates: the SPIFFE id in one names the principal (SPIFFE X.509-SVID)."""

import re
from collections.abc import Collection

from cryptography import x509

from headwater_kit.auth.naming import named
from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.shown import Shown
from headwater_kit.auth.verified import Verified
from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Misconfigured
from headwater_kit.core.roles import Role

SCHEME = "spiffe://"
PARTS = ("tenant", "user", "role")
# What a segment of a SPIFFE path may hold.
_SEGMENT = r"[A-Za-z0-9._-]+"


class Certificates:
    """`Verifier` of client certificates, which TLS has verified up to their authority.

    `path` is a template of segments, such as `/ns/{tenant}/sa/{user}`, in which
    {role} may stand too; where it does not, all have `roles`. Raises Misconfigured
    for a template that names no tenant and user.
    """

    kind = "a client certificate"

    def __init__(self, trust_domain: str, path: str, roles: Collection[Role], clock: Clock) -> None:
        self._id = re.compile(re.escape(f"{SCHEME}{trust_domain}") + pattern_of(path))
        self._roles = frozenset(roles)
        self._clock = clock
        self._verified: Verified[Principal] = Verified()

    def takes(self, shown: Shown) -> bool:
        return bool(shown.certificate)

    def stands(self, shown: Shown) -> bool:
        return True

    async def principal(self, shown: Shown) -> Principal:
        now = self._clock.now()
        known = self._verified.get(shown.certificate, now)
        if known is not None:
            return known
        certificate = _read(shown.certificate)
        # TLS looked when the connection was made; it may be open for days.
        until = certificate.not_valid_after_utc.timestamp()
        if until <= now:
            raise unauthenticated(Reason.EXPIRED)
        principal = self._principal_of(_spiffe_id(certificate))
        self._verified.put(shown.certificate, principal, until)
        return principal

    def _principal_of(self, spiffe_id: str) -> Principal:
        found = self._id.fullmatch(spiffe_id)
        if found is None:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        parts = found.groupdict()
        if "role" not in parts:
            return named(parts["tenant"], parts["user"], (), self._roles)
        if parts["role"] not in set(Role):
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        return named(parts["tenant"], parts["user"], (), [Role(parts["role"])])


def pattern_of(path: str) -> str:
    """The template as a regular expression. Raises Misconfigured."""
    pieces = re.split(r"\{(\w*)\}", path)
    parts = pieces[1::2]
    if not path.startswith("/") or len(set(parts)) != len(parts) or not {"tenant", "user"} <= set(parts) <= set(PARTS):
        raise Misconfigured(
            f"HEADWATER_SPIFFE_PATH={path}: give a path with {{tenant}} and {{user}} once each, such as "
            "/ns/{tenant}/sa/{user}"
        )
    texts = map(re.escape, pieces[::2])
    groups = [f"(?P<{part}>{_SEGMENT})" for part in parts]
    return "".join(text + group for text, group in zip(texts, [*groups, ""], strict=True))


def _read(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise unauthenticated(Reason.BAD_CREDENTIAL) from None


def _spiffe_id(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ""
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    # The standard allows one URI alone.
    return uris[0] if len(uris) == 1 else ""
