"""Chunks by the ten thousand, written straight into a platform's store: what searches cost can be measured without
encoding for an hour.

A chunk is some sentences of one document of the corpus, in any order. Sentences are encoded by the platform's model,
and a chunk's vector is the mean of its sentences' vectors with a little noise, of length 1: as near to each other and
to queries as real ones, within a topic and without. Documents of eight chunks are served by ledger rows as any others;
no event tells of them, so only the store knows them.
"""

import asyncio
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from headwater_inference.catalogue import open_encoder
from headwater_inference.registry import builtin
from headwater_inference.settings import ModelSettings
from headwater_kit.core.documents import Chunk, DocumentInfo, DocumentKey, chunk_id, text_hash
from headwater_text.analysis import analyse
from headwater_vectors.milvus import Address, MilvusStore
from headwater_vectors.ports import ChunkRow, LedgerRow, Model
from laptop import say
from numpy.typing import NDArray

TENANT = "default"
SENTENCES_A_CHUNK = 6
CHUNKS_A_DOCUMENT = 8
# Encoded: 600 in some seconds, of 40 and more documents.
SENTENCES_A_SOURCE, SOURCES = 15, 40
MIN_CHARACTERS, MAX_CHARACTERS = 40, 240
# Of the spread of a vector's components: vectors of chunks that share all sentences stay apart.
NOISE = 0.2
DOCUMENTS_AT_ONCE = 60


@dataclass(frozen=True)
class Sentences:
    """Sentences by document, with their vectors, and the model that made these."""

    model: Model
    texts: list[list[str]]
    vectors: list[NDArray[np.float32]]


def sentences(documents: dict[str, str], rng: random.Random) -> Sentences:
    """Some sentences of some documents, encoded."""
    split = (sentences_of(text) for text in documents.values())
    sources = [found for found in split if len(found) >= SENTENCES_A_SOURCE]
    chosen = [rng.sample(found, SENTENCES_A_SOURCE) for found in rng.sample(sources, min(SOURCES, len(sources)))]
    encoder = open_encoder(builtin().get("english"), ModelSettings().model_store())
    prefix = encoder.card.passage_prefix
    vectors = [encoder.encode([encoder.tokenize(prefix + text)[0] for text in texts]) for texts in chosen]
    return Sentences(Model(encoder.card.model_id, encoder.card.dimension), chosen, vectors)


def sentences_of(text: str) -> list[str]:
    """The sentences of a text that are neither short nor long."""
    found = re.split(r"(?<=[.!?])\s+|\n\s*\n", text)
    cleaned = (" ".join(sentence.split()) for sentence in found)
    return [sentence for sentence in cleaned if MIN_CHARACTERS <= len(sentence) <= MAX_CHARACTERS]


def questions(documents: dict[str, str], rng: random.Random) -> Iterator[str]:
    """Questions without end: some words in a row of any sentence."""
    words = [found.split() for text in documents.values() for found in sentences_of(text)]
    while True:
        sentence = rng.choice(words)
        length = rng.randint(4, 9)
        start = rng.randrange(max(1, len(sentence) - length))
        yield " ".join(sentence[start : start + length])


async def fill(uri: str, documents: dict[str, str], chunks: int, seed: int) -> None:
    """Writes so many chunks, and lets the store settle."""
    rng = random.Random(seed)
    known = sentences(documents, rng)
    writer = _Writer(known, rng, seed)
    store = MilvusStore(Address(uri))
    await store.open()
    await store.adopt(known.model)
    written = list(range(-(-chunks // CHUNKS_A_DOCUMENT)))
    for start in range(0, len(written), DOCUMENTS_AT_ONCE):
        rows = [writer.document(number) for number in written[start : start + DOCUMENTS_AT_ONCE]]
        await asyncio.gather(*(_put(store, document) for document in rows))
        if start % (20 * DOCUMENTS_AT_ONCE) == 0:
            say(f"{start * CHUNKS_A_DOCUMENT} of {chunks} chunks are written")
    await store.maintain()
    await store.close()


async def _put(store: MilvusStore, rows: Sequence[ChunkRow]) -> None:
    await store.upsert(rows)
    await store.switch(LedgerRow(rows[0].key, 1, False, len(rows)))


class _Writer:
    """Makes documents up."""

    def __init__(self, known: Sentences, rng: random.Random, seed: int) -> None:
        self._known = known
        self._rng = rng
        self._numbers = np.random.default_rng(seed)

    def document(self, number: int) -> list[ChunkRow]:
        """Its chunks, all of one source."""
        key = DocumentKey(TENANT, f"filling/{number:06}")
        info = DocumentInfo(
            f"Document {number}", f"file:///filling/{number}", "text/plain", {"part": f"p{number % 10}"}
        )
        source = self._rng.randrange(len(self._known.texts))
        return [self._chunk(key, ordinal, info, source) for ordinal in range(CHUNKS_A_DOCUMENT)]

    def _chunk(self, key: DocumentKey, ordinal: int, info: DocumentInfo, source: int) -> ChunkRow:
        chosen = self._rng.sample(range(len(self._known.texts[source])), SENTENCES_A_CHUNK)
        text = " ".join(self._known.texts[source][place] for place in chosen)
        mean = self._known.vectors[source][chosen].mean(axis=0)
        mean = mean + self._numbers.normal(0.0, NOISE * float(mean.std()), mean.shape)
        vector = (mean / np.linalg.norm(mean)).astype("<f4").tobytes()
        chunk = Chunk(
            chunk_id(key, 1, ordinal), ordinal, text, (info.title,), 0, len(text), len(text) // 5, text_hash(text)
        )
        return ChunkRow(key, 1, chunk, info, vector, analyse(f"{info.title} {text}"), self._known.model.model_id)
