"""Ports in this process's memory, for tests and for trying things out."""

from collections.abc import Collection, Mapping, Sequence

from headwater_kit.core.documents import Position
from headwater_kit.core.impressions import FeedbackQuarantined, UserForgotten
from headwater_kit.core.learning import ClickMemory

from headwater_feedback.domain.folds import TenantFold
from headwater_feedback.domain.opinions import Example, people
from headwater_feedback.handlers.learning import Entry, Learning


class MemoryLearnedLog:
    """`ports.LearnedLog`: keeps what is served, and counts what was written."""

    def __init__(self) -> None:
        self.served: dict[tuple[str, str], ClickMemory] = {}
        self.quarantined: list[FeedbackQuarantined] = []
        self.writes = 0

    async def publish(self, memory: ClickMemory, trained_to: Position) -> int:
        """See `ports.LearnedLog`."""
        self.served[memory.tenant, memory.cluster_id] = memory
        return self._written()

    async def withdraw(self, tenant: str, name: str) -> int:
        """See `ports.LearnedLog`."""
        self.served.pop((tenant, name), None)
        return self._written()

    async def quarantine(self, quarantined: FeedbackQuarantined) -> None:
        """See `ports.LearnedLog`."""
        self.quarantined.append(quarantined)

    def _written(self) -> int:
        self.writes += 1
        return self.writes - 1


class FixedOwnership:
    """`ports.Ownership`: all tenants but those named in `others`."""

    def __init__(self, others: Collection[str] = ()) -> None:
        self.others = set(others)

    def owns(self, tenant: str) -> bool:
        """See `ports.Ownership`."""
        return tenant not in self.others


class MemoryForgetLog:
    """`ports.ForgetLog` over examples by key."""

    def __init__(self, examples: Mapping[bytes, Example] | None = None) -> None:
        self.examples = dict(examples or {})
        self.forgotten: list[UserForgotten] = []
        self.taken_back: list[bytes] = []

    async def examples_of(self, tenant: str, names: Collection[str]) -> Mapping[bytes, str]:
        """See `ports.ForgetLog`."""
        mine = ((key, one) for key, one in self.examples.items() if one.impression.tenant == tenant)
        return {key: min(found) for key, one in mine if (found := people(one) & frozenset(names))}

    async def forget(self, user: UserForgotten) -> None:
        """See `ports.ForgetLog`."""
        self.forgotten.append(user)

    async def take_back(self, tenant: str, keys: Sequence[bytes]) -> None:
        """See `ports.ForgetLog`."""
        self.taken_back += keys
        for key in keys:
            del self.examples[key]


class MemoryReplay:
    """`ports.Replay` over the entries that it is told of, which the learning takes in as well."""

    def __init__(self, learning: Learning) -> None:
        self._learning = learning
        self.entries: list[Entry] = []

    def append(self, entry: Entry) -> None:
        """The next entry of the log."""
        self.entries.append(entry)
        self._learning.take(entry)

    async def read(self, tenant: str, fold: TenantFold, leaving_out: Collection[str] = ()) -> None:
        """See `ports.Replay`."""
        gone = {entry.key: entry.position for entry in self.entries if entry.event is None}
        for entry in self.entries:
            if entry.key in gone and entry.position <= gone[entry.key]:
                continue
            if entry.tenant == tenant and entry.event and not people(entry.event) & frozenset(leaving_out):
                self._learning.fold(fold, entry)
