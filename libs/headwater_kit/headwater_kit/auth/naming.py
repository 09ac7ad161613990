"""A principal by what a credential says of it, checked as anything from outside is."""

import json
from collections.abc import Collection

from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.core.documents import Principal, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.roles import GRANTABLE, Role

MAX_GROUPS = 64
# Of a caller's names in all, as JSON in UTF-8: what services carry on of it is one entry of metadata (`carried`), in
# base64, of `shown.MAX_CREDENTIAL_CHARACTERS` at most.
MAX_NAMES_BYTES = 11_000
# As which a character may be written at most.
MAX_CHARACTER_BYTES = 4


def named(tenant: str, user: str, groups: Collection[str], roles: Collection[Role]) -> Principal:
    """The principal. Raises Unauthenticated (BAD_CLAIM), naming the part that cannot be."""
    if len(groups) > MAX_GROUPS:
        raise unauthenticated(Reason.BAD_CLAIM, claim=f"at most {MAX_GROUPS} groups are taken, not {len(groups)}")
    try:
        check_id(tenant, "tenant")
        check_id(user, "user")
        for group in groups:
            check_id(group, "group")
    except InvalidInput as error:
        raise unauthenticated(Reason.BAD_CLAIM, claim=error.message) from None
    return Principal(tenant, user, tuple(sorted(set(groups))), frozenset(roles) & GRANTABLE)


def check_size(principal: Principal) -> None:
    """Refuses whom services could not carry on to each other, for all its groups.

    Raises InvalidInput (TOO_LARGE).
    """
    groups = principal.groups
    if len(groups) > MAX_GROUPS:
        raise _too_large(f"at most {MAX_GROUPS} groups are taken, not {len(groups)}")
    names = (principal.tenant, principal.user, *groups)
    if sum(map(len, names)) * MAX_CHARACTER_BYTES + len(names) * len('"",') <= MAX_NAMES_BYTES:
        return
    size_bytes = len(json.dumps(names, ensure_ascii=False).encode())
    if size_bytes > MAX_NAMES_BYTES:
        raise _too_large(f"its names have {size_bytes} bytes in all, and at most {MAX_NAMES_BYTES} are taken")


def _too_large(message: str) -> InvalidInput:
    return InvalidInput(message, field="groups", reason="TOO_LARGE")
