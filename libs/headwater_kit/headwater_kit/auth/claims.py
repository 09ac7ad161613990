"""A token's claims, read as a principal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater_kit.auth.naming import named
from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.auth.signed import Claims
from headwater_kit.core.documents import Principal
from headwater_kit.core.roles import Role


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where a token says what: names of claims, `a.b` for b within a.

    A `tenant` that is fixed is that of every token, whatever it says. `roles` are
    the roles that words of the roles' claim mean; other words mean nothing.
    """

    tenant_claim: str = "tenant"
    user_claim: str = "sub"
    groups_claim: str = "groups"
    roles_claim: str = "roles"
    fixed_tenant: str = ""
    roles: Mapping[str, Role] = field(default_factory=dict)


def principal_of(claims: Claims, names: ClaimNames) -> Principal:
    """Who the token says calls. Raises Unauthenticated (BAD_CLAIM), naming the claim."""
    tenant = names.fixed_tenant or _text(claims, names.tenant_claim)
    words = _words(claims, names.roles_claim, split=True)
    roles = [names.roles[word] for word in words if word in names.roles]
    return named(tenant, _text(claims, names.user_claim), _words(claims, names.groups_claim), roles)


def _text(claims: Claims, name: str) -> str:
    value = _find(claims, name)
    if not isinstance(value, str) or not value:
        raise unauthenticated(Reason.BAD_CLAIM, claim=f"claim {name} must be a text")
    return value


def _words(claims: Claims, name: str, *, split: bool = False) -> list[str]:
    """A list of texts; a text is one, or with `split` several, as in `scope`. None without the claim."""
    value = _find(claims, name)
    if isinstance(value, str):
        return value.split() if split else [value]
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise unauthenticated(Reason.BAD_CLAIM, claim=f"claim {name} must be a list of texts")
    return value


def _find(claims: Claims, name: str) -> object:
    # Names with dots in them come first: issuers name claims by addresses.
    if name in claims:
        found: object = claims[name]
        return found
    head, _, rest = name.partition(".")
    inner = claims.get(head)
    return _find(inner, rest) if rest and isinstance(inner, dict) else None
