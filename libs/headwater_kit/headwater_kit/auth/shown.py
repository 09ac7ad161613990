"""What a caller shows of who it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headwater_kit.auth.reasons import Reason, unauthenticated

Entry = tuple[str, str | bytes]

AUTHORIZATION = "authorization"
# A caller's principal, signed by the service that carries it on.
CARRIED = "headwater-carried"
SCHEME = "bearer "
# Within what the server takes of metadata in all (`rpc.server`).
MAX_CREDENTIAL_CHARACTERS = 16_384
CERTIFICATE = "x509_pem_cert"


@dataclass(frozen=True, slots=True)
class Shown:
    """One call's metadata, what the transport knows of its peer, and the service that is called, by full name."""

    metadata: tuple[Entry, ...] = ()
    peer: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    service: str = ""

    @property
    def bearer(self) -> str:
        """The key or token in `authorization: Bearer …`; empty without one. Raises Unauthenticated."""
        text = self._only(AUTHORIZATION)
        if text and not text.lower().startswith(SCHEME):
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        return text[len(SCHEME) :].strip()

    @property
    def carried(self) -> str:
        """The token that carries a caller's principal; empty without one. Raises Unauthenticated."""
        return self._only(CARRIED)

    @property
    def certificate(self) -> bytes:
        """The caller's certificate in PEM, verified by the transport; empty without one."""
        return next(iter(self.peer.get(CERTIFICATE, ())), b"")

    def _only(self, name: str) -> str:
        values = [value for key, value in self.metadata if key == name]
        # Two of them, and who reads which would be a matter of taste.
        if len(values) > 1:
            raise unauthenticated(Reason.BAD_CREDENTIAL)
        if any(len(value) > MAX_CREDENTIAL_CHARACTERS for value in values):
            what = f"{name} has over {MAX_CREDENTIAL_CHARACTERS} characters"
            raise unauthenticated(Reason.TOO_LARGE, what=what)
        text = values[0] if values else ""
        return text if isinstance(text, str) else ""
