"""What differs between the engines that speak Milvus; everything else is the same code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do.

    `tokenizer` cuts the lexical field; the analysed terms are such that both
    give the same. `filter_templates`: values of a filter can be sent beside it.
    `slow_fresh_rows`: searches scan rows that are not flushed, row by row, and
    build what they need of a new segment on the first search. `count_rows`:
    counting by a filter does not fetch the rows. `scalar_indexes`: finding rows by
    a field other than the primary key needs an index on it.
    """

    tokenizer: str
    filter_templates: bool
    slow_fresh_rows: bool
    count_rows: bool
    scalar_indexes: bool


# milvus-lite 3.2: no templates in its parser; a search costs 0.4 ms (lexical) and 0.05 ms (dense) of a core for each
# fresh row. Its scalar indexes save nothing, as every query walks all rows; the server that the laptop runs
# (headwater_cli.platform.milvus_server) finds a document's ledger rows by itself.
LITE = Capabilities(
    tokenizer="standard",
    filter_templates=False,
    slow_fresh_rows=True,
    count_rows=False,
    scalar_indexes=False,
)
SERVER = Capabilities(
    tokenizer="whitespace",
    filter_templates=True,
    slow_fresh_rows=False,
    count_rows=True,
    scalar_indexes=True,
)


def capabilities_of(version: str) -> Capabilities:
    """The engine's row, by what it answers to GetVersion."""
    return LITE if "lite" in version.lower() else SERVER
