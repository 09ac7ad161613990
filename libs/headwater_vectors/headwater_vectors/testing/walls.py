"""A store beside a plain model of who may find what in it, both changed and asked at random.

The model shares no code with what it judges: readers are sets of names, and a
filter is asked in Python of what was written.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from headwater_kit.core.documents import ANONYMOUS, DocumentKey, MetadataValue, Principal
from headwater_kit.core.filters import Compare, Filter, Member, Not, Operator
from headwater_kit.core.moments import Moment
from headwater_kit.core.readers import names_of, readers_of

from headwater_vectors.ports import ChunkRow, LedgerRow, Legs, VectorStore
from headwater_vectors.testing.samples import MODEL, all_rows, found, put, query, rows
from headwater_vectors.testing.searching import HOSTILE

IDS = (
    "a",
    "A",
    "a ",
    "ab",
    "a%",
    "a_",
    "ä",
    "group:a",
    "user:a",
    "*",
    *(each for each in HOSTILE if each.isprintable()),
)
# Few tenants, documents and names, so that the same ones meet: a document's id in two tenants, a group's in two.
TENANTS, DOCUMENTS, NAMES, KEYS = 4, 10, 6, 3
CHANGES_A_SEARCH = 0.2
MAX_CHUNKS = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A document as it was written last."""

    version: int
    chunks: int
    groups: frozenset[str]
    users: frozenset[str]
    metadata: tuple[tuple[str, MetadataValue], ...]

    def is_for(self, asker: Principal) -> bool:
        """Whether it may be read by who asks, a user of its tenant."""
        if not self.groups and not self.users:
            return True
        is_user = asker.user in self.users and asker.user != ANONYMOUS
        return is_user or any(group in self.groups for group in asker.groups)


@dataclass(slots=True)
class Tally:
    """What was asked so far: searches, (asker, document, query) judged, and what was found wrongly."""

    searches: int = 0
    judged: int = 0
    changes: int = 0
    leaks: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)


class Walls:
    """Changes documents, searches, and holds what is found against the model."""

    def __init__(self, store: VectorStore, rng: random.Random) -> None:
        self.tally = Tally()
        self._store = store
        self._rng = rng
        self._held: dict[DocumentKey, Held] = {}
        self._versions: dict[DocumentKey, int] = {}
        ids = rng.sample(IDS, TENANTS + DOCUMENTS + NAMES)
        self._tenants, self._documents = ids[:TENANTS], ids[TENANTS : TENANTS + DOCUMENTS]
        self._names = ids[TENANTS + DOCUMENTS :]
        self._keys = rng.sample(HOSTILE, KEYS)

    async def run(self, searches: int) -> Tally:
        """As many searches, with changes between them."""
        await self._store.adopt(MODEL)
        for _ in range(TENANTS * DOCUMENTS):
            await self.change()
        for _ in range(searches):
            if self._rng.random() < CHANGES_A_SEARCH:
                await self.change()
            await self.search()
        return self.tally

    async def change(self) -> None:
        """Writes a document, changes who may read one and nothing else, or deletes one."""
        self.tally.changes += 1
        key = DocumentKey(self._rng.choice(self._tenants), self._rng.choice(self._documents))
        before = self._held.get(key)
        version = self._versions[key] = self._versions.get(key, 0) + 1
        kind = self._rng.choice(["write", "readers", "readers", "delete"])
        if kind == "delete" and before is not None:
            del self._held[key]
            await self._store.switch(LedgerRow(key, version, deleted=True, chunk_count=0))
            return
        groups, users = self._some_names(), self._some_names()
        if before is not None and kind == "readers":
            held = replace(before, version=version, groups=groups, users=users)
        else:
            chunks = self._rng.randint(1, MAX_CHUNKS)
            held = Held(version, chunks, groups, users, tuple(self._metadata()))
        self._held[key] = held
        await put(self._store, _rows(key, held))

    async def search(self) -> None:
        """Searches as somebody, and judges each document by whether it was found."""
        rng, tenant = self._rng, self._rng.choice(self._tenants)
        user = rng.choice([ANONYMOUS, *self._names])
        asker = Principal(tenant, user, tuple(sorted(self._some_names())))
        asked = rng.choice([None, None, self._filter()])
        legs = await self._store.search(
            query("apple", axis=0, tenant=tenant, filter=asked, limit=200, reads_as=names_of(asker))
        )
        self.tally.searches += 1
        for leg in (legs.dense, legs.lexical):
            self._judge(asker, asked, found(Legs(dense=leg)))

    async def unharmed(self) -> bool:
        """Whether the store holds exactly what was written last, tenant by tenant."""
        for tenant in self._tenants:
            written = {row for key, held in self._held.items() if key.tenant == tenant for row in _chunks(key, held)}
            if await all_rows(self._store, tenant) != written:
                return False
        return True

    def _judge(self, asker: Principal, asked: Filter | None, shown: set[tuple[str, int, int]]) -> None:
        expected = {
            chunk
            for key, held in self._held.items()
            if key.tenant == asker.tenant and held.is_for(asker) and _passes(asked, dict(held.metadata))
            for chunk in _chunks(key, held)
        }
        self.tally.judged += len(self._held)
        self.tally.leaks += [f"{asker} found {each} by {asked}" for each in sorted(shown - expected)]
        self.tally.misses += [f"{asker} did not find {each} by {asked}" for each in sorted(expected - shown)]

    def _some_names(self) -> frozenset[str]:
        return frozenset(self._rng.sample(self._names, self._rng.choice([0, 0, 1, 1, 2, 3])))

    def _metadata(self) -> Iterator[tuple[str, MetadataValue]]:
        for key in self._keys:
            if self._rng.random() < 0.5:
                yield key, self._value()

    def _filter(self) -> Filter:
        key = self._rng.choice(self._keys)
        value, other = self._value(), self._rng.choice(HOSTILE)
        plain = Compare(key, Operator.EQ, value) if self._rng.random() < 0.5 else Member(key, (value, other))
        return Not(plain) if self._rng.random() < 0.5 else plain

    def _value(self) -> MetadataValue:
        values: list[MetadataValue] = [*self._keys, 1.0, True]
        return self._rng.choice(values)


def _rows(key: DocumentKey, held: Held) -> list[ChunkRow]:
    readers = readers_of(held.groups, held.users)
    written = rows(
        key.document_id, held.version, ["apple"] * held.chunks, tenant=key.tenant, metadata=dict(held.metadata)
    )
    return [replace(row, info=replace(row.info, readers=readers)) for row in written]


def _chunks(key: DocumentKey, held: Held) -> set[tuple[str, int, int]]:
    return {(key.document_id, held.version, ordinal) for ordinal in range(held.chunks)}


def _passes(asked: Filter | None, metadata: dict[str, MetadataValue]) -> bool:
    match asked:
        case None:
            return True
        case Not(inner):
            return not _passes(inner, metadata)
        case Compare(name, _, value):
            return _same(metadata.get(name), value)
        case Member(name, values):
            return any(_same(metadata.get(name), value) for value in values)
    raise AssertionError(f"the model knows no {asked}")


def _same(one: MetadataValue | None, other: MetadataValue | Moment) -> bool:
    return one == other and type(one) is type(other)
