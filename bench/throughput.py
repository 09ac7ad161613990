"""Documents a second through the whole platform, over what the encoder alone makes of the same texts, as JSON.

    python bench/throughput.py [--data DIR] [--documents 100] [--rounds 3]

A round writes `--documents` documents that nobody has seen into the backfill
lane of a platform of its own, and then encodes the texts of the same documents'
chunks in this process, behind the batcher that embed has, while the platform
idles. `share` is the one rate over the other, the median over the rounds; a
document's chunks are the same on both sides, so documents and tokens a second
have the same share. Of the platform, time ends when the last document is
searchable.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from figures import quantile
from headwater_embed.settings import Settings
from headwater_inference.catalogue import open_encoder
from headwater_inference.ports import Encoder, Lane, WhenFull
from headwater_inference.tokens import open_counter
from headwater_kit.bus.topics import DOCUMENTS_BACKFILL
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from laptop import Laptop, report, say
from pipeline import Pipeline
from serving import batcher
from traffic import BareProducer, Edit, Finals, pour, texts, unique_word

PATIENCE_SECONDS = 60.0


async def measure(platform: Laptop, arguments: argparse.Namespace) -> dict[str, object]:
    """All rounds, after one that warms both sides up."""
    settings = Settings()
    spec, store = settings.model_spec(), settings.model_store()
    encoder, pipeline = open_encoder(spec, store), Pipeline(open_counter(spec, store), settings)
    documents = texts(arguments.data, 0)
    stream = _unseen(documents, random.Random(arguments.seed))
    producer, finals = BareProducer(platform.bootstrap), Finals(platform.bootstrap)
    rounds = []
    try:
        for number in range(arguments.rounds + 1):
            batch = [next(stream) for _ in range(arguments.documents if number else max(1, arguments.documents // 5))]
            inputs = [text for edit in batch for text in pipeline.cut(edit.text, edit.title).inputs]
            through = len(batch) / await _through(producer, finals, batch)
            alone = len(batch) / await _alone(encoder, inputs)
            say(f"round {number}: {through:.2f} documents a second through the platform, {alone:.2f} by the encoder")
            rounds.append({"chunks": len(inputs), "through_a_second": through, "encoder_a_second": alone})
    finally:
        finals.close()
        producer.close()
    counted = rounds[1:]
    shares = [found["through_a_second"] / found["encoder_a_second"] for found in counted]
    return {"documents": arguments.documents, "rounds": counted, "share": round(quantile(shares, 0.5), 3)}


def _unseen(documents: Mapping[str, str], rng: random.Random) -> Iterator[Edit]:
    """The documents again and again, each time under another id and title: a chunk's vector depends on the title."""
    while True:
        for document_id, text in documents.items():
            word = unique_word(rng)
            yield Edit(f"{document_id}/{word}", text, word, title=f"About {word}")


async def _through(producer: BareProducer, finals: Finals, batch: Sequence[Edit]) -> float:
    """Seconds until all are searchable."""
    before, begin = len(finals.times()), time.monotonic()
    await pour(producer, batch, DOCUMENTS_BACKFILL.name)
    if not await finals.wait(before + len(batch), PATIENCE_SECONDS):
        raise SystemExit(f"{len(finals.times()) - before} of {len(batch)} documents arrived: see the logs")
    return finals.times()[-1] - begin


async def _alone(encoder: Encoder, inputs: Sequence[str]) -> float:
    """Seconds for all texts, tokenizing included."""
    begin, served = time.monotonic(), batcher(encoder)
    ids = [encoder.tokenize(text)[0] for text in inputs]
    await served.submit(ids, Lane.BACKFILL, WhenFull.WAIT)
    await served.close(Deadline.after(SystemClock(), 5.0))
    return time.monotonic() - begin


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with events.jsonl.gz; the demo's corpus if left out")
    parser.add_argument("--documents", type=int, default=100, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=4, help="of the titles")
    return parser.parse_args(words)


def main() -> None:
    """Measures and prints."""
    report(measure, parse(sys.argv[1:]))


if __name__ == "__main__":
    main()
