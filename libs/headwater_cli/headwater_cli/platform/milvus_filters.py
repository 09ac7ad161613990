"""Filters of Milvus Lite by columns, where it walks rows.

It evaluates comparisons over whole columns. Where `array_contains_any` stands in
a filter, it evaluates all of that filter row by row in Python; and Headwater asks
in every search whether a row names one of the asker's readers. Here that part is
looked up, and the rest of the filter is evaluated as without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from milvus_lite.search.filter import compile_expr, evaluate_mask
from milvus_lite.search.filter.ast import And, ArrayContainsOp, FieldRef, ListLit, StringLit
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Postings:
    """A column of lists, turned round: in which rows each value stands."""

    size: int
    rows: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, column: Any) -> "Postings":
        """Of a column of a table."""
        lists = column.combine_chunks()
        encoded = lists.flatten().dictionary_encode()
        owners = np.repeat(np.arange(len(lists)), lists.value_lengths().fill_null(0).to_numpy())
        codes = encoded.indices.to_numpy()
        order = np.argsort(codes, kind="stable")
        values = encoded.dictionary.to_pylist()
        ends = np.searchsorted(codes[order], np.arange(len(values)), side="right")
        return cls(len(lists), dict(zip(values, np.split(owners[order], ends[:-1]), strict=True)) if values else {})

    def mask(self, values: Iterable[str]) -> Mask:
        """True of rows in which one of the values stands."""
        held = np.zeros(self.size, dtype=np.bool_)
        for value in values:
            if value in self.rows:
                held[self.rows[value]] = True
        return held


@dataclass(frozen=True, slots=True)
class Holding:
    """True of rows whose list in this column holds one of the values."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Where:
    """A filter in two parts that both must hold: looked up in columns of lists, and evaluated by Milvus Lite."""

    holdings: tuple[Holding, ...]
    rest: Any = None

    def mask(self, table: Any, kept: dict[str, Postings]) -> Mask:
        """True of the rows of a table that pass; its columns that are turned round for that are added to `kept`."""
        for name in {holding.column for holding in self.holdings} - kept.keys():
            kept[name] = Postings.of(table.column(name))
        masks = [kept[holding.column].mask(holding.values) for holding in self.holdings]
        if self.rest is not None:
            masks.append(evaluate_mask(self.rest, table))
        passing: Mask = np.logical_and.reduce(masks)
        return passing


def compiled(collection: Any, expression: str) -> Where:
    """A filter of a collection. Raises what Milvus Lite raises of one that is wrong."""
    whole = collection._compile_filter(expression)  # noqa: SLF001 - it has no public way
    operands: Sequence[Any] = whole.ast.operands if isinstance(whole.ast, And) else (whole.ast,)
    holdings = [_holding(operand) for operand in operands]
    others = [operand for operand, held in zip(operands, holdings, strict=True) if held is None]
    found = tuple(held for held in holdings if held is not None)
    if not found:
        return Where((), whole)
    if not others:
        return Where(found)
    rest = others[0] if len(others) == 1 else And(tuple(others), whole.ast.pos)
    return Where(found, compile_expr(rest, collection.schema, source=expression))


def _holding(node: Any) -> Holding | None:
    """What the node asks of a column of lists, if it asks that."""
    if not isinstance(node, ArrayContainsOp) or node.mode != "any":
        return None
    if not isinstance(node.value, FieldRef) or not isinstance(node.values, ListLit):
        return None
    if not all(isinstance(value, StringLit) for value in node.values.elements):
        return None
    return Holding(node.value.name, tuple(value.value for value in node.values.elements))
