"""Filters of Milvus Lite by columns, where it walks rows.

It evaluates comparisons over whole columns. Where `array_contains_any` stands in
a filter, it evaluates all of that filter row by row in Python; and Headwater asks
in every search whether a row names one of the asker's readers. Here that part is
looked up in the column, and the rest of the filter is evaluated as without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from milvus_lite.search.filter import compile_expr, evaluate_mask
from milvus_lite.search.filter.ast import And, ArrayContainsOp, FieldRef, ListLit, StringLit
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Holding:
    """True of rows whose list in this column holds one of the values."""

    column: str
    values: frozenset[str]

    def mask(self, table: Any) -> Mask:
        """Of each row."""
        lists = table.column(self.column).combine_chunks()
        # The same few readers stand in most rows: each is compared once.
        encoded = lists.flatten().dictionary_encode()
        wanted = np.fromiter((value in self.values for value in encoded.dictionary.to_pylist()), dtype=np.bool_)
        rows = np.repeat(np.arange(len(lists)), lists.value_lengths().fill_null(0).to_numpy())
        held = np.zeros(len(lists), dtype=np.bool_)
        if len(rows):
            held[rows[wanted[encoded.indices.to_numpy()]]] = True
        return held


@dataclass(frozen=True, slots=True)
class Where:
    """A filter in two parts that both must hold: looked up in columns of lists, and evaluated by Milvus Lite."""

    holdings: tuple[Holding, ...]
    rest: Any = None

    def mask(self, table: Any) -> Mask:
        """True of the rows that pass."""
        masks: list[Mask] = [holding.mask(table) for holding in self.holdings]
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
    return Holding(node.value.name, frozenset(value.value for value in node.values.elements))
