"""What `credentials.v1` says, and how it is written."""

from collections.abc import Sequence

from headwater_kit.bus.ports import Outbound, Record
from headwater_kit.bus.topics import CREDENTIALS
from headwater_kit.codec.events import decode, encode
from headwater_kit.core.credentials import ApiKey, TenantStanding
from headwater_kit.core.documents import KEY_SEPARATOR

KEY_PREFIX = f"key{KEY_SEPARATOR}"
TENANT_PREFIX = f"tenant{KEY_SEPARATOR}"


class CredentialRecords:
    """The API keys and the suspended tenants, as a `bus.table` applies them. A null value forgets."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self._standings: dict[str, TenantStanding] = {}

    def apply(self, record: Record) -> None:
        """Takes a record in. Raises InvalidInput; then a key that it was about is taken for revoked."""
        name = (record.key or b"").decode(errors="replace")
        if name.startswith(KEY_PREFIX):
            # Gone until what is said of it has been read, so that what cannot be read revokes.
            self._keys.pop(key_id := name.removeprefix(KEY_PREFIX), None)
            if record.value is not None:
                self._keys[key_id] = decode(ApiKey, record.value)
        elif name.startswith(TENANT_PREFIX):
            tenant = name.removeprefix(TENANT_PREFIX)
            if record.value is None:
                self._standings.pop(tenant, None)
            else:
                self._standings[tenant] = decode(TenantStanding, record.value)

    def key(self, key_id: str) -> ApiKey | None:
        """The key of that id."""
        return self._keys.get(key_id)

    def is_suspended(self, tenant: str) -> bool:
        """Whether every call of the tenant is to be refused."""
        standing = self._standings.get(tenant)
        return standing is not None and standing.suspended

    def all_keys(self) -> Sequence[ApiKey]:
        """All keys, the latest first."""
        return sorted(self._keys.values(), key=lambda key: -key.create_time)

    def suspended(self) -> Sequence[TenantStanding]:
        """The tenants that are suspended, by name."""
        return sorted((one for one in self._standings.values() if one.suspended), key=lambda one: one.tenant)


def outbound(said: ApiKey | TenantStanding) -> Outbound:
    """The record that says it."""
    name = KEY_PREFIX + said.key_id if isinstance(said, ApiKey) else TENANT_PREFIX + said.tenant
    return Outbound(CREDENTIALS.name, name.encode(), encode(said))
