"""Tenants: by class, so that what is measured by them stays countable; and those that were erased."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from headwater_kit.core.documents import check_id
from headwater_kit.core.errors import InvalidInput

DEFAULT_CLASS = "default"
# Of no tenant: what must have a key and is about no document has one of this name's. Nothing is ever written under it,
# only deleted.
NO_DOCUMENT_TENANT = "headwater-no-document"
# Each class is a time series in every histogram that tells classes apart.
MAX_CLASSES = 16
MAX_CLASS_CHARACTERS = 32
# Tenants that metrics tell apart by name, and what the others go by, which no tenant is called.
MAX_NAMED = 20
OTHERS = ""


@dataclass(frozen=True, slots=True)
class TenantClasses:
    """Which tenant is of which class; a tenant that is not named is of class `default`."""

    by_tenant: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "TenantClasses":
        """Reads `gold=acme,globex;silver=initech`; an empty text names none.

        Raises InvalidInput for a word that names no class or no tenant, a tenant
        in two classes, and more than `MAX_CLASSES` classes.
        """
        by_tenant: dict[str, str] = {}
        for name, tenant in _pairs(text):
            if by_tenant.setdefault(tenant, name) != name:
                raise InvalidInput(f"tenant {tenant} is in two classes, {by_tenant[tenant]} and {name}")
        if len(set(by_tenant.values())) > MAX_CLASSES:
            raise InvalidInput(f"there are more than {MAX_CLASSES} classes")
        return cls(MappingProxyType(by_tenant))

    def of(self, tenant: str) -> str:
        """The class of a tenant."""
        return self.by_tenant.get(tenant, DEFAULT_CLASS)


class FewTenants:
    """Tenants as a label: the first so many go by their names, all others together by none.

    A tenant that was told apart once is so for as long as the process lives, so
    that its series goes on; how many series there are does not hang on callers.
    """

    def __init__(self, limit: int = MAX_NAMED) -> None:
        self._limit = limit
        self._named: set[str] = set()

    def of(self, tenant: str) -> str:
        """The tenant's label."""
        if len(self._named) < self._limit:
            self._named.add(tenant)
        return tenant if tenant in self._named else OTHERS


@dataclass(frozen=True, slots=True)
class TenantErased:
    """`tenants.v1`: what was written in a tenant's name before `erase_time`, in seconds since the epoch, is erased.

    The time lies in the future while the deletion is under way.
    """

    tenant: str
    erase_time: float


class Erasures:
    """Which tenants were erased, and until when; of a tenant the last word counts.

    Each of `told` is called with every word, also with those of long ago when the process starts.
    """

    def __init__(self) -> None:
        self.told: list[Callable[[TenantErased], None]] = []
        self._times: dict[str, float] = {}

    def apply(self, erased: TenantErased) -> None:
        """Takes a word in."""
        self._times[erased.tenant] = erased.erase_time
        for tell in self.told:
            tell(erased)

    def covers(self, tenant: str, time: float) -> bool:
        """Whether what was written in the tenant's name at this time is erased."""
        return time < self._times.get(tenant, 0.0)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for group in filter(None, (part.strip() for part in text.split(";"))):
        name, _, tenants = group.partition("=")
        name = name.strip()
        if not name.isidentifier() or len(name) > MAX_CLASS_CHARACTERS:
            raise InvalidInput(f"{name!r} is no name of a class: give class=tenant,tenant;class=tenant")
        for tenant in (word.strip() for word in tenants.split(",")):
            check_id(tenant, f"tenant of class {name}")
            yield name, tenant
