"""Why a credential is refused, in words that help its holder and nobody else.

What is said of a credential beyond BAD_CREDENTIAL is said only after it proved
to be real: by its signature, or by its secret. How large it is its holder sees.
"""

from enum import StrEnum

from headwater_kit.core.errors import Unauthenticated


class Reason(StrEnum):
    """The reason code of an UNAUTHENTICATED call."""

    MISSING_CREDENTIAL = "MISSING_CREDENTIAL"
    BAD_CREDENTIAL = "BAD_CREDENTIAL"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    WRONG_AUDIENCE = "WRONG_AUDIENCE"
    WRONG_ISSUER = "WRONG_ISSUER"
    BAD_CLAIM = "BAD_CLAIM"
    REVOKED = "REVOKED"
    TOO_LARGE = "TOO_LARGE"


ADVICE = {
    Reason.MISSING_CREDENTIAL: "show a credential: {kinds}",
    Reason.BAD_CREDENTIAL: "the credential is not a good one: check that it is whole, and of this platform",
    Reason.EXPIRED: "the credential has expired: get a new one",
    Reason.NOT_YET_VALID: "the credential is not valid yet: wait, or set the clock right",
    Reason.WRONG_AUDIENCE: "the token is for somebody else: ask its issuer for one that is for this platform",
    Reason.WRONG_ISSUER: "the token is of another issuer: get one of the issuer that this platform trusts",
    Reason.BAD_CLAIM: "the token does not say who calls: {claim}",
    Reason.REVOKED: "the credential is revoked: get a new one",
    Reason.TOO_LARGE: "the credential is too large: {what}: get one that names fewer groups, or shorter ones",
}


def unauthenticated(reason: Reason, **words: str) -> Unauthenticated:
    """The error for a reason; `words` are what its advice leaves open, and never a part of a credential."""
    return Unauthenticated(ADVICE[reason].format(**words), reason=reason.value)
