"""`headwater learning export`: what users made of lists, as data to train with."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
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
from headwater_kit.core.events import AnswerGenerated, DocumentChunked
from headwater_kit.core.impressions import FeedbackJoined, ImpressionClosed, TrainingRecorded, UserForgotten
from headwater_kit.core.learning import GoldQuestion
from headwater_kit.core.tenants import TenantErased

from headwater_cli.commands.connect import TENANT, Tenant, reached_bus
from headwater_cli.commands.learning_card import Card, written
from headwater_cli.commands.learning_preferences import preferred

# From this label on a passage is what was sought; one that was passed over has 0 or less.
POSITIVE_LABEL = 0.5
Texts = Mapping[tuple[str, str], str]
Row = Mapping[str, object]


class Format(StrEnum):
    """Which rows: a question with what answers it, beside that what was looked at and passed over, answers that were
    liked and not, or questions whose answers are known.
    """

    PAIRS = "pairs"
    NEGATIVES = "negatives"
    PREFERENCES = "preferences"
    GOLD = "gold"


# In the order in which the losses of sentence-transformers, and those of DPO, take them.
FIELDS = {
    Format.PAIRS: "query, positive",
    Format.NEGATIVES: "query, positive, negative",
    Format.PREFERENCES: "prompt, chosen, rejected, passages, source",
    Format.GOLD: "query, relevant (text, grade of 0 to 3, document_id)",
}


@dataclass(frozen=True, slots=True)
class _Log:
    """What of a tenant's was read, without the forgotten; `offsets` of `training.v1` by partition."""

    lists: Sequence[ImpressionClosed]
    reactions: Sequence[FeedbackJoined]
    answers: Sequence[AnswerGenerated]
    gold: Sequence[GoldQuestion]
    texts: Texts
    offsets: Mapping[int, int]


def export(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; made if missing.")],
    *,
    rows: Annotated[Format, typer.Option("--format", help="What a row has.")] = Format.PAIRS,
    corrections: Annotated[
        bool, typer.Option(help="As preferred answers also what users wrote to be right: read it before you train.")
    ] = False,
    tenant: Tenant = TENANT,
) -> None:
    """Write one JSON object a line from `training.v1`, and a README that says from where.

    Users who were forgotten, tenants that were erased and texts that are no more are left out.
    """
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is a file: name a folder", field="DIR")
    log = asyncio.run(_read(reached_bus(ctx), tenant))
    found = list(dict.fromkeys(json.dumps(row, ensure_ascii=False) for row in _rows(log, rows, corrections)))
    counted = len(log.gold) if rows is Format.GOLD else len(log.lists)
    of = f"{counted:,} {'questions' if rows is Format.GOLD else 'lists'}"
    written(folder, found, Card(rows.value, tenant, FIELDS[rows], of, log.offsets))
    typer.echo(f"{len(found):,} rows of {of} in {folder}")


def _rows(log: _Log, rows: Format, corrections: bool) -> Iterator[Row]:
    match rows:
        case Format.PREFERENCES:
            yield from preferred(log.answers, log.reactions, log.texts, corrections=corrections)
        case Format.GOLD:
            yield from (row for question in log.gold if (row := _known(question, log.texts)))
        case _:
            yield from (row for one in log.lists for row in rows_of(one, log.texts, rows))


def _known(question: GoldQuestion, texts: Texts) -> Row | None:
    """The texts of what is labelled, as far as they are there still; nothing where none is."""
    relevant = [
        {"text": text, "grade": label.grade, "document_id": name}
        for label in question.labels
        for (name, hashed), text in texts.items()
        if name == label.document_id and label.text_hash in ("", hashed)
    ]
    return {"query": question.query, "relevant": relevant} if relevant else None


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


async def _read(bus: Bus, tenant: str) -> _Log:
    examples: dict[bytes, FeedbackJoined | ImpressionClosed] = {}
    offsets: dict[int, int] = {}
    for record in await _records(bus, topics.TRAINING):
        offsets[record.partition] = record.offset + 1
        examples.pop(record.key or b"", None)
        event = decode(TrainingRecorded, record.value).example if record.value is not None else None
        if event is not None and event.impression.tenant == tenant:
            examples[record.key or b""] = event
    answers = [decode(AnswerGenerated, each.value) for each in await _records(bus, topics.ANSWERS) if each.value]
    gold: dict[bytes, GoldQuestion] = {}
    for record in await _records(bus, topics.GOLD):
        gold.pop(record.key or b"", None)
        if record.value is not None and (question := decode(GoldQuestion, record.value)).tenant == tenant:
            gold[record.key or b""] = question
    # Read last, so that who is forgotten meanwhile is left out.
    since = await _erased(bus, tenant)
    left = [one for one in examples.values() if not _is_gone(one, since)]
    return _Log(
        [one for one in left if isinstance(one, ImpressionClosed)],
        [one for one in left if isinstance(one, FeedbackJoined)],
        [one for one in answers if one.tenant == tenant and one.answer_time >= since.get("", 0.0)],
        [one for one in gold.values() if one.time >= since.get("", 0.0)],
        await _texts(bus, tenant),
        offsets,
    )


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


def _is_gone(example: FeedbackJoined | ImpressionClosed, since: Mapping[str, float]) -> bool:
    shown = example.impression
    beside = example.feedback.user if isinstance(example, FeedbackJoined) else example.reader
    names = {"", shown.pseudonym or shown.user, beside}
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
