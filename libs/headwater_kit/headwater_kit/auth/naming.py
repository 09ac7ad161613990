"""A principal by what a credential says of it, checked as anything from outside is."""

from collections.abc import Collection

from headwater_kit.auth.reasons import Reason, unauthenticated
from headwater_kit.core.documents import Principal, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.roles import GRANTABLE, Role

MAX_GROUPS = 64


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
