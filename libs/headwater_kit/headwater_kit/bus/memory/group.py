"""Who of a group reads which partition."""

from collections.abc import Collection
from dataclasses import dataclass, field

from headwater_kit.bus.ports import TopicPartition


@dataclass
class Group:
    """Members, what each should own, what each does own, and committed offsets.

    A partition goes to its next owner only after the last one gave it up, as in
    Kafka's cooperative protocol; the others keep reading meanwhile.
    """

    committed: dict[TopicPartition, int] = field(default_factory=dict)
    _wanted: dict[str, tuple[TopicPartition, ...]] = field(default_factory=dict)
    _target: dict[TopicPartition, str] = field(default_factory=dict)
    _owner: dict[TopicPartition, str] = field(default_factory=dict)

    @property
    def members(self) -> Collection[str]:
        """Who is in the group."""
        return self._wanted.keys()

    def join(self, member: str, partitions: Collection[TopicPartition]) -> None:
        """Adds a member that subscribes to `partitions`."""
        self._wanted[member] = tuple(partitions)
        self._spread()

    def leave(self, member: str) -> None:
        """Removes a member; what it owned is free at once."""
        self._wanted.pop(member, None)
        for source in self.owned(member):
            del self._owner[source]
        self._spread()

    def owned(self, member: str) -> list[TopicPartition]:
        """What the member owns now."""
        return sorted(source for source, owner in self._owner.items() if owner == member)

    def to_revoke(self, member: str) -> list[TopicPartition]:
        """What the member owns and should give up."""
        return [source for source in self.owned(member) if self._target.get(source) != member]

    def to_assign(self, member: str) -> list[TopicPartition]:
        """What the member should own and nobody does."""
        return sorted(s for s, target in self._target.items() if target == member and s not in self._owner)

    def release(self, partitions: Collection[TopicPartition]) -> None:
        """Frees partitions for their next owner."""
        for source in partitions:
            self._owner.pop(source, None)

    def take(self, member: str, partitions: Collection[TopicPartition]) -> None:
        """Makes the member the owner."""
        self._owner.update(dict.fromkeys(partitions, member))

    def _spread(self) -> None:
        # Round robin over sorted names: the same members always get the same parts.
        self._target = {}
        sources = sorted({source for wanted in self._wanted.values() for source in wanted})
        for number, source in enumerate(sources):
            members = sorted(name for name, wanted in self._wanted.items() if source in wanted)
            self._target[source] = members[number % len(members)]
