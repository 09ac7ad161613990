"""`headwater learning export`: what users made of lists, as data to train with."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from headwater_kit.bus import topics
from headwater_kit.bus.ports import Bus, Record
from headwater_kit.bus.scan import scan
from headwater_kit.codec.events import decode
from headwater_kit.core.documents import document_of
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.events import DocumentChunked
from headwater_kit.core.impressions import ImpressionClosed, TrainingRecorded, UserForgotten
from headwater_kit.core.tenants import TenantErased

from headwater_cli.commands.connect import TENANT, Tenant, reached_bus

# From this label on a passage is what was sought; one that was passed over has 0 or less.
POSITIVE_LABEL = 0.5
Texts = Mapping[tuple[str, str], str]
Row = Mapping[str, str]


class Format(StrEnum):
    """Which rows: a question with what answers it, or beside that what was looked at and passed over."""

    PAIRS = "pairs"
    NEGATIVES = "negatives"


def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; made if missing.")],
    *,
    rows: Annotated[Format, typer.Option("--format", help="What a row has.")] = Format.PAIRS,
    tenant: Tenant = TENANT,
) -> None:
    """Write one JSON object a line from `training.v1`, and a README that says from where.

    Users who were forgotten, tenants that were erased and texts that are no more are left out.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is a file: name a folder", field="DIR")
    lists, offsets, texts = asyncio.run(_read(reached_bus(ctx), tenant))
    found = dict.fromkeys(json.dumps(row, ensure_ascii=False) for one in lists for row in rows_of(one, texts, rows))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{rows}.jsonl").write_text("".join(f"{row}\n" for row in found), encoding="utf-8")
    ends = "\n".join(f"- partition {number}: up to offset {end}" for number, end in sorted(offsets.items()))
    fields = "query, positive" + (", negative" if rows is Format.NEGATIVES else "")
    about = f"# {rows}.jsonl\n\nTenant {tenant}; fields: {fields}.\n\n{len(found)} rows of {len(lists)} lists.\n\n"
    (folder / "README.md").write_text(f"{about}From `training.v1`:\n\n{ends or '- nothing'}\n", encoding="utf-8")
    typer.echo(f"{len(found):,} rows of {len(lists):,} lists in {folder}")


def rows_of(closed: ImpressionClosed, texts: Texts, rows: Format) -> Iterator[Row]:
    """What a list teaches, as far as the texts are there still."""
    items = {item.rank: texts.get((item.document_id, item.text_hash)) for item in closed.impression.items}
    good = [text for one in closed.judgements if one.label >= POSITIVE_LABEL and (text := items.get(one.rank))]
    bad = [text for one in closed.judgements if one.examined and one.label <= 0.0 and (text := items.get(one.rank))]
    for positive in good:
        row = {"query": closed.impression.query, "positive": positive}
        if rows is Format.PAIRS:
            yield row
        else:
            yield from ({**row, "negative": negative} for negative in bad if negative != positive)


async def _read(bus: Bus, tenant: str) -> tuple[list[ImpressionClosed], Mapping[int, int], Texts]:
    closed: dict[bytes, ImpressionClosed] = {}
    offsets: dict[int, int] = {}
    for record in await _records(bus, topics.TRAINING):
        offsets[record.partition] = record.offset + 1
        closed.pop(record.key or b"", None)
        event = decode(TrainingRecorded, record.value).example if record.value is not None else None
        if isinstance(event, ImpressionClosed) and event.impression.tenant == tenant:
            closed[record.key or b""] = event
    # Read last, so that who is forgotten meanwhile is left out.
    since = await _erased(bus, tenant)
    lists = [one for one in closed.values() if not _is_gone(one, since)]
    return lists, offsets, await _texts(bus, tenant)


async def _erased(bus: Bus, tenant: str) -> Mapping[str, float]:
    """Until when what was shown is gone, by user; the empty name is the tenant's own time."""
    times: defaultdict[str, float] = defaultdict(float)
    for record in await _records(bus, topics.FORGETS):
        if record.value is not None and (user := decode(UserForgotten, record.value)).tenant == tenant:
            times[user.pseudonym] = max(times[user.pseudonym], user.time)
    for record in await _records(bus, topics.TENANTS):
        if record.value is not None and (erased := decode(TenantErased, record.value)).tenant == tenant:
            times[""] = erased.erase_time
    return times


def _is_gone(closed: ImpressionClosed, since: Mapping[str, float]) -> bool:
    shown = closed.impression
    names = ("", shown.pseudonym or shown.user)
    return any(shown.show_time < since.get(name, 0.0) for name in names)


async def _texts(bus: Bus, tenant: str) -> Texts:
    """Texts of the newest version of each document, by document and hash; of a deleted one none."""
    newest: dict[str, int] = {}
    texts: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for topic in (topics.CHUNKS, topics.CHUNKS_BACKFILL):
        for record in await _records(bus, topic):
            if record.value is None or (ref := document_of(record.key)).tenant != tenant:
                continue
            event = decode(DocumentChunked, record.value)
            name, version = ref.document_id, event.provenance.version
            if version > newest.get(name, -1):
                newest[name], texts[name] = version, {}
            if version == newest[name]:
                texts[name].update((chunk.text_hash, chunk.text) for chunk in event.chunks)
    return {(name, hashed): text for name, known in texts.items() for hashed, text in known.items()}


async def _records(bus: Bus, topic: topics.Topic) -> list[Record]:
    await bus.create_topics([topic.name])
    async with aclosing(scan(bus, topic.name)) as batches:
        return [record async for records in batches for record in records]
