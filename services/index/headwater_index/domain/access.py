"""Who may ask for what."""

from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import Denied


def tenant_to_compare(principal: Principal, asked: str, operators: str) -> str | None:
    """The tenant that a caller may compare, None for all. Raises Denied.

    `operators` is the tenant whose users may ask for any, and for all; empty
    means that none may.
    """
    if operators and principal.tenant == operators:
        return asked or None
    if asked == principal.tenant:
        return asked
    raise Denied(
        f"a user of tenant {principal.tenant} may compare that tenant only: name it, or call as an operator "
        "(HEADWATER_INDEX_OPERATOR_TENANT)"
    )


def check_operator(principal: Principal, operators: str) -> None:
    """Raises Denied for whoever is not of the operators' tenant."""
    if not operators or principal.tenant != operators:
        raise Denied(
            f"a user of tenant {principal.tenant} may not change the index: call as an operator "
            "(HEADWATER_INDEX_OPERATOR_TENANT)"
        )
