"""What a principal may do."""

from enum import StrEnum


class Role(StrEnum):
    """A right that a credential gives; one may give several."""

    PRODUCER = "producer"
    READER = "reader"
    OPERATOR = "operator"
    ADMIN = "admin"
    # A service that calls for itself and for no caller.
    PEER = "peer"


# What a credential can give: a peer is known by its signature alone.
GRANTABLE = frozenset(Role) - {Role.PEER}


def may(roles: frozenset[Role], allowed: frozenset[Role]) -> bool:
    """Whether one of the roles is enough; an admin may whatever any other role but a peer may."""
    return bool(roles & allowed) or (Role.ADMIN in roles and bool(allowed & GRANTABLE))
