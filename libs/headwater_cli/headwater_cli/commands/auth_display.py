"""How credentials are shown: for people, and for machines."""

import time
from datetime import UTC, datetime
from typing import Any

from headwater_kit.core.credentials import ApiKey, RevokedToken, TenantStanding
from rich.table import Table


def state_of(key: ApiKey, now: float) -> str:
    """In force, revoked or expired."""
    if key.revoke_time is not None:
        return "revoked"
    return "expired" if key.expire_time is not None and key.expire_time <= now else "in force"


def key_table(keys: "list[ApiKey]", now: float) -> Table:
    """Keys for people."""
    table = Table("key", "tenant", "user", "roles", "groups", "made", "ends", "", "note", box=None, pad_edge=False)
    for key in keys:
        who = key.principal
        table.add_row(
            key.key_id, who.tenant, who.user, " ".join(sorted(who.roles)), " ".join(who.groups),
            moment(key.create_time), "never" if key.expire_time is None else moment(key.expire_time),
            state_of(key, now), key.note,
        )  # fmt: skip
    return table


def key_values(key: ApiKey) -> dict[str, Any]:
    """A key for machines; of its secret nothing, not even the hash."""
    return {
        "key_id": key.key_id,
        "tenant": key.principal.tenant,
        "user": key.principal.user,
        "groups": list(key.principal.groups),
        "roles": sorted(key.principal.roles),
        "create_time": moment(key.create_time),
        "expire_time": None if key.expire_time is None else moment(key.expire_time),
        "state": state_of(key, time.time()),
        "note": key.note,
    }


def revoked_values(one: RevokedToken) -> dict[str, Any]:
    """A revoked token for machines."""
    return {
        "token_id": one.token_id,
        "expire_time": moment(one.expire_time),
        "revoke_time": moment(one.revoke_time),
        "note": one.note,
    }


def standing_values(one: TenantStanding) -> dict[str, Any]:
    """A tenant's standing for machines."""
    return {
        "tenant": one.tenant,
        "suspended": one.suspended,
        "change_time": moment(one.change_time),
        "note": one.note,
    }


def moment(seconds: float) -> str:
    """A time in UTC, to the second; `seconds` since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
