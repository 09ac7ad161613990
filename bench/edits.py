"""What an edit costs in embeddings, as JSON; needs no platform.

    python bench/edits.py [--data DIR] [--edits N] [--seed N]

Each version goes through ingest's chunker and the embed service's handlers,
with the cache as by default; in place of the encoder stands a count of texts
and tokens. `DIR` holds `events.jsonl.gz`, snapshots and then the real edits of
a set of documents; without it the demo's corpus is edited, by sentence alone.

By sentence: in a document taken by chance, one sentence of its prose, taken by
chance, is replaced by one of another document, or gets one put behind it, or
is deleted. The stream: its updates, in their order. Of each, `embeddings` were
computed. `needed` chunks hold what was edited: for a sentence those that
contain it, one for a deletion, for a real edit those that touch a difference
between the versions' lines. `changed` chunks have a text that the version
before did not have. Tokens are held against those of a version embedded anew.
"""

import argparse
import asyncio
import difflib
import gzip
import itertools
import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from figures import quantile
from headwater_embed.settings import Settings
from headwater_inference.tokens import open_counter
from headwater_ingest.domain import parsing
from headwater_ingest.domain.blocks import BlockKind
from headwater_text.sentences import split_sentences
from pipeline import Pipeline, Version
from traffic import texts

# What is shorter is a label or an item's number, what does not end so a table, a signature or a block of fields.
MIN_SENTENCE_WORDS = 4
STOPS = (".", "!", "?", ":", "。", "！", "？")
PROSE = (BlockKind.PARAGRAPH, BlockKind.LIST)
KINDS = ("replace", "insert", "delete")
Hunk = tuple[int, int]


class Costs:
    """Sums over edits of one kind."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._sums: Counter[str] = Counter()

    def add(self, encoded: Sequence[str], before: Version, after: Version, hunks: Iterable[Hunk]) -> None:
        """An edit that wrote the `hunks` of the text after it."""
        changed = set(after.inputs) - set(before.inputs)
        tokens = self._pipeline.tokens
        self._sums += Counter(
            edits=1,
            embeddings=len(encoded),
            needed=len(needed(after, changed, hunks)),
            changed=len(changed),
            chunks=len(after.chunks),
            tokens=sum(map(tokens, encoded)),
            naive_tokens=sum(map(tokens, after.inputs)),
        )

    def summary(self) -> dict[str, float]:
        """Counts and ratios."""
        sums = self._sums
        return {
            **sums,
            "embeddings_per_needed": round(sums["embeddings"] / max(1, sums["needed"]), 3),
            "embeddings_per_changed": round(sums["embeddings"] / max(1, sums["changed"]), 3),
            "tokens_per_naive_token": round(sums["tokens"] / max(1, sums["naive_tokens"]), 4),
        }


def needed(after: Version, changed: set[str], hunks: Iterable[Hunk]) -> set[str]:
    """The changed chunks that no chunker could have kept: those that hold what was written, one where text went."""
    text, found = after.cut.text, set[str]()
    for start, end in hunks:
        deleted = not text[start:end].strip()
        first, last = (len(text[:start].rstrip()) - 1, end + _space(text[end:])) if deleted else (start, end - 1)
        pairs = zip(after.chunks, after.inputs, strict=True)
        touched = [each for chunk, each in pairs if chunk.start <= last and chunk.end > first and each in changed]
        found |= set(touched[:1] if deleted else touched)
    # Where all that stood below a heading went, it is the heading that becomes a chunk.
    return found or set(sorted(changed)[:1])


def hunks_between(before: str, after: str) -> Iterator[Hunk]:
    """Where lines of `after` differ from those of `before`; empty ones where lines are gone."""
    old, new = before.split("\n"), after.split("\n")
    starts = [0, *itertools.accumulate(len(line) + 1 for line in new)]
    for tag, _, _, first, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield starts[first], max(starts[first], min(starts[end] - 1, len(after)))


def sentences(text: str) -> list[Hunk]:
    """Places of the sentences of a text's prose; `text` is as parsed."""
    blocks = [block for block in parsing.parse("text/plain", text).blocks if block.kind in PROSE]
    found = ((block, sentence) for block in blocks for sentence in split_sentences(text[block.start : block.end]))
    return [
        (block.start + sentence.start, block.start + sentence.end)
        for block, sentence in found
        if len(sentence.text.split()) >= MIN_SENTENCE_WORDS and sentence.text.endswith(STOPS)
    ]


def edited(text: str, at: Hunk, kind: str, other: str) -> tuple[str, Hunk]:
    """The text after an edit of the sentence at a place, and what the edit wrote."""
    start, end = at
    match kind:
        case "replace":
            return text[:start] + other + text[end:], (start, start + len(other))
        case "insert":
            return f"{text[:end]} {other}{text[end:]}", (end + 1, end + 1 + len(other))
        case _:
            return text[:start] + text[end:], (start, start)


async def by_sentence(
    pipeline: Pipeline, versions: Mapping[str, Version], edits: int, rng: random.Random
) -> dict[str, object]:
    """Costs by kind, and of all of them."""
    places = {name: found for name, version in versions.items() if (found := sentences(version.cut.text))}
    costs = {kind: Costs(pipeline) for kind in (*KINDS, "all")}
    for kind in itertools.islice(itertools.cycle(KINDS), edits):
        name, donor = rng.choice(list(places)), rng.choice(list(places))
        before, (start, end) = versions[name], rng.choice(places[donor])
        other = " ".join(versions[donor].cut.text[start:end].split())
        text, hunk = edited(before.cut.text, rng.choice(places[name]), kind, other)
        after = pipeline.cut(text)
        pipeline.forget()
        await pipeline.write(before)
        encoded = await pipeline.write(after)
        for each in (costs[kind], costs["all"]):
            each.add(encoded, before, after, [hunk])
    return {kind: each.summary() for kind, each in costs.items()}


async def by_stream(pipeline: Pipeline, data: Path) -> dict[str, object]:
    """Costs of the stream's updates; those that change the title, which is embedded with every chunk, apart."""
    pipeline.forget()
    current: dict[str, Version] = {}
    costs = {kind: Costs(pipeline) for kind in ("updates", "updates_of_the_title")}
    with gzip.open(data / "events.jsonl.gz", "rt", encoding="utf-8") as stream:
        for event in map(json.loads, stream):
            before = current.pop(event["path"], None)
            if event["op"] == "delete":
                continue
            after = current[event["path"]] = pipeline.cut(event["content"])
            encoded = await pipeline.write(after)
            if event["op"] == "update" and before is not None:
                kind = "updates" if before.cut.title == after.cut.title else "updates_of_the_title"
                hunks = hunks_between(before.cut.text, after.cut.text)
                costs[kind].add(encoded, before, after, hunks)
    return {kind: each.summary() for kind, each in costs.items()}


async def by_metadata(pipeline: Pipeline, versions: Mapping[str, Version]) -> dict[str, int]:
    """What it costs to give every document other metadata, and then another title."""
    pipeline.forget()
    for version in versions.values():
        await pipeline.write(version)
    again = [len(await pipeline.write(version, {"reviewed": "yes"})) for version in versions.values()]
    retitled = [pipeline.cut(version.cut.text, f"New: {version.cut.title}") for version in versions.values()]
    titles = [len(await pipeline.write(version)) for version in retitled]
    chunks = sum(len(version.chunks) for version in versions.values())
    return {"chunks": chunks, "embeddings_for_metadata": sum(again), "embeddings_for_titles": sum(titles)}


def sizes(versions: Iterable[Version]) -> dict[str, float]:
    """Tokens of the chunks' text: the chunker's own count."""
    counts = [chunk.token_count for version in versions for chunk in version.chunks]
    shares = {
        name: quantile(counts, share) for name, share in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95), ("max", 1.0))
    }
    return {"chunks": len(counts), "mean": round(sum(counts) / len(counts), 1), **shares}


async def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """All of it."""
    settings = Settings()
    pipeline = Pipeline(open_counter(settings.model_spec(), settings.model_store()), settings)
    versions = {name: pipeline.cut(text) for name, text in texts(arguments.data, 0).items()}
    rng = random.Random(arguments.seed)
    return {
        "model": settings.model_spec().card.name,
        "documents": len(versions),
        "chunk_tokens": sizes(versions.values()),
        "by_sentence": await by_sentence(pipeline, versions, arguments.edits, rng),
        "by_metadata": await by_metadata(pipeline, versions),
        **({"by_stream": await by_stream(pipeline, arguments.data)} if arguments.data else {}),
    }


def _space(text: str) -> int:
    return len(text) - len(text.lstrip())


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with events.jsonl.gz; the demo's corpus if left out")
    parser.add_argument("--edits", type=int, default=1500, help="edits by sentence, a third of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of what is edited and how")
    return parser.parse_args(words)


if __name__ == "__main__":
    json.dump(asyncio.run(measure(parse())), sys.stdout, indent=2)
    sys.stdout.write("\n")
