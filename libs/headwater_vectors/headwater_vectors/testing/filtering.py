"""Whom filters choose, held against a plain model; subclass it with a `store` fixture, opened and empty."""

import operator
import random
from collections.abc import Mapping
from datetime import UTC, datetime

from headwater_kit.core.documents import MetadataValue
from headwater_kit.core.filters import All, Any, Compare, Exists, Filter, Leaf, Member, Not, Operator, Prefix
from headwater_kit.core.moments import Moment

from headwater_vectors.ports import VectorStore
from headwater_vectors.testing.samples import MODEL, found, put, query, rows

# Few names and values, so that chance often hits; among them what means something to a grammar or to an order.
KEYS = ("a", "b c", 'ü"', "$meta", "title")
TEXTS = ("", "a", "ab", "a%", "a_b", "b", "Ab", "ä", "\ud7ff", "\ue000", "\U0010ffff", '"', "\\", "{p1}", "true", "1")
TIMES = ("2020-01-01", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:01Z", "2019-12-31T23:59:59.5Z", "2020-13-01")
NUMBERS = (-1.0, 0.0, 0.5, 3.0, 1e16, -2.5e-7)
DOCUMENTS, FILTERS, DEPTH = 60, 150, 3
MEANINGS = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}
ORDERINGS = (Operator.LT, Operator.LE, Operator.GT, Operator.GE)


class FilterContract:
    """Random trees over random metadata, for every adapter."""

    async def test_any_filter_chooses_as_a_plain_model_does(self, store: VectorStore) -> None:
        rng = random.Random(6)
        documents = {f"d{n}": _metadata(rng) for n in range(DOCUMENTS)}
        titles = {name: rng.choice(TEXTS) for name in documents}
        await store.adopt(MODEL)
        for name, metadata in documents.items():
            await put(store, rows(name, 1, ["apple"], metadata=metadata, title=titles[name]))
        sizes = set()
        for _ in range(FILTERS):
            chosen = _tree(rng, DEPTH)
            expected = {
                name for name, metadata in documents.items() if _passes(chosen, {**metadata, "title": titles[name]})
            }
            legs = await store.search(query("apple", filter=chosen, limit=DOCUMENTS))
            assert {name for name, _, _ in found(legs)} == expected, chosen
            assert len(legs.dense) == len(legs.lexical) == len(expected), chosen
            sizes.add(len(expected))
        # Neither all nor none, for the most part: otherwise it would say little.
        assert len(sizes) > DOCUMENTS / 3


def _metadata(rng: random.Random) -> dict[str, MetadataValue]:
    return {key: _value(rng) for key in rng.sample(KEYS, rng.randint(0, 4)) if key != "title"}


def _value(rng: random.Random) -> MetadataValue:
    return rng.choice((*TEXTS, *TIMES, *NUMBERS, True, False))


def _tree(rng: random.Random, depth: int) -> Filter:
    if depth == 0 or rng.random() < 0.3:
        return _leaf(rng)
    inner = tuple(_tree(rng, depth - 1) for _ in range(rng.randint(1, 3)))
    return rng.choice((All(inner), Any(inner), Not(inner[0])))


def _leaf(rng: random.Random) -> Filter:
    key = rng.choice(KEYS)
    value = rng.choice(TEXTS) if key == "title" else _value(rng)
    leaves: list[Filter] = [Compare(key, rng.choice((Operator.EQ, Operator.NE)), value), Exists(key)]
    leaves.append(Prefix(key, rng.choice(TEXTS)))
    leaves.append(Member(key, tuple(rng.choice(TEXTS) if key == "title" else _value(rng) for _ in range(3))))
    if not isinstance(value, bool):
        leaves.append(Compare(key, rng.choice(ORDERINGS), value))
    if key != "title":
        when = datetime(2020, 1, 1, tzinfo=UTC).timestamp() + rng.choice((-0.5, 0.0, 1.0))
        leaves.append(Compare(key, rng.choice(ORDERINGS), Moment(when)))
    return rng.choice(leaves)


def _passes(chosen: Filter, fields: Mapping[str, MetadataValue]) -> bool:
    """The model: what each node says, and nothing else."""
    match chosen:
        case All(filters):
            return all(_passes(each, fields) for each in filters)
        case Any(filters):
            return any(_passes(each, fields) for each in filters)
        case Not(inner):
            return not _passes(inner, fields)
        case leaf:
            return leaf.field in fields and _holds(leaf, fields[leaf.field])


def _holds(leaf: Leaf, found: MetadataValue) -> bool:
    match leaf:
        case Exists(key):
            return key != "title" or found != ""
        case Prefix(_, prefix):
            return isinstance(found, str) and found.startswith(prefix)
        case Member(_, values):
            return any(_compares(found, Operator.EQ, value) for value in values)
        case Compare(_, sign, value):
            return _compares(found, sign, value)


def _compares(left: MetadataValue, sign: Operator, right: MetadataValue | Moment) -> bool:
    if isinstance(right, Moment):
        try:
            when = datetime.fromisoformat(str(left))
        except ValueError:
            return False
        return bool(MEANINGS[sign](when.replace(tzinfo=when.tzinfo or UTC).timestamp(), right.seconds))
    return type(left) is type(right) and bool(MEANINGS[sign](left, right))
