"""Which tenants the records of a topic may name, and where they may say so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from headwater_kit.bus.ports import Record
from headwater_kit.core.documents import DEFAULT_TENANT, check_id
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.tenants import NO_DOCUMENT_TENANT
from headwater_kit.settings import KafkaTenantSettings

# A header that anybody may write: it counts only where the operator says so for the topic.
TENANT_HEADER = "headwater-tenant"
TENANT_REFUSED = "TENANT_REFUSED"
ANY_TENANT = "*"


@dataclass(frozen=True, slots=True)
class TopicRule:
    """What holds for a topic's records: the tenants they may name, `*` for all, and whether their header names one."""

    tenants: frozenset[str] = frozenset({ANY_TENANT})
    believes_header: bool = False


@dataclass(frozen=True, slots=True)
class TopicTenants:
    """The rules by topic; a topic without one lets its records name any tenant, by key or field alone."""

    rules: Mapping[str, TopicRule] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, settings: KafkaTenantSettings) -> "TopicTenants":
        """The rules that the settings state."""
        rules: dict[str, TopicRule] = {
            topic: TopicRule(frozenset(each.tenants), each.header) for topic, each in settings.kafka_tenants.items()
        }
        return cls(rules)

    def tenant(self, record: Record, named: str) -> str:
        """The tenant that a record is of, which names `named` by its key or a field; the default tenant if neither.

        Raises InvalidInput with reason TENANT_REFUSED, or INVALID_KEY for a header that can name nobody.
        """
        rule = self.rules.get(record.topic)
        # A deletion of nothing shows the platform how far a topic has been followed, whoever may write to it.
        if rule is None or (named == NO_DOCUMENT_TENANT and record.value is None):
            return named
        tenant = _told(record, named) if rule.believes_header else named
        if not rule.tenants & {tenant, ANY_TENANT}:
            raise _refused(f"records of {record.topic} may not name tenant {tenant!r}: see HEADWATER_KAFKA_TENANTS")
        return tenant


def _told(record: Record, named: str) -> str:
    header = record.headers.get(TENANT_HEADER)
    if header is None:
        return named
    told = header.decode(errors="replace")
    check_id(told, TENANT_HEADER)
    if named not in (DEFAULT_TENANT, told):
        raise _refused(f"the record names tenant {named!r}, and its header {TENANT_HEADER} {told!r}: name one")
    return told


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, field="tenant", reason=TENANT_REFUSED)
