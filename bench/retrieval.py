"""Quality and cost of ranking on labelled sets, as JSON.

    python bench/retrieval.py --data DIR [--sets scifact cmrc2018 ...] [--limit N] [--without cascade dense]
                              [--beside ENCODER]

`DIR` holds the sets as published: `scifact` in BEIR layout, `cmrc2018` and
`xquad` in SQuAD layout. Every document is one chunk, but in `xquad_en_cut`,
where ingest's chunker cuts whole articles and a question is about the chunk
with its answer. Analysis, encoder, fusion, weights and reranker are the
service's own, in one configuration for all sets; the two searches are exact.

Each way to rank is measured by nDCG@10, recall@1 and recall@100: `dense` and
`lexical`, a leg alone; `rrf`, by reciprocal ranks; `fixed`, by scores with fixed
weights; `untold`, where nothing is said about what the encoder can read;
`default`, the service as it is; `cascade`, the same with the reranker where the
order is in doubt, and `reranked_share`, how often that was. `ms` are medians by
stage, those of the encoder and the reranker of what was not in the cache.
Vectors and scores are cached under `--cache`, so that a second run takes
seconds, and one that was stopped goes on. `--without dense` encodes nothing, and
shows what words alone give.

`--beside` names another encoder: `beside`, the service with that one in place
of the served one; `fused`, with both. `gain` is how far the mean nDCG@10 of
`fused` is above that of the better of `default` and `beside`, with its standard
error over the same questions.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from headwater_inference.catalogue import open_encoder
from headwater_inference.ports import Encoder
from headwater_inference.registry import known
from headwater_inference.settings import ModelSettings
from headwater_kit.core.cascade import Cascade, StageReport
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_retrieve.domain.encoders import EncoderHits, scripts_of
from headwater_retrieve.domain.fusion import Fusion
from headwater_retrieve.domain.reliability import ANY_SCRIPT, Reliability, can_read
from headwater_retrieve.handlers import Asked, Ranker, Reranking, RerankPolicy
from headwater_vectors.ports import Legs
from labelled import LATIN, SETS, Labelled, measures
from legs import DenseLeg, LexicalLeg
from reranker import CachedReranker

# Of the encoder's time, so many questions tell.
TIMED_QUESTIONS = 50
# The judge is never in a hurry: what a deadline costs is another question.
PATIENCE_SECONDS = 3_600.0
POLICY = RerankPolicy(seconds=PATIENCE_SECONDS)
# Ways that ask the encoder whatever it can read.
UNTOLD = {"rrf", "fixed", "untold"}
Times = dict[str, list[float]]


class Bench:
    """Both legs over a set, and every way to rank what they find."""

    def __init__(
        self,
        labelled: Labelled,
        encoder: Encoder,
        dense: DenseLeg | None,
        reranker: CachedReranker | None,
        beside: "BesideLeg | None" = None,
    ) -> None:
        self._labelled = labelled
        self._encoder = encoder
        self._times: Times = defaultdict(list)
        self._reranked: list[bool] = []
        self._dense = dense
        self._beside = beside
        self._ndcg: dict[str, list[float]] = defaultdict(list)
        self._lexical = LexicalLeg(labelled.passages)
        self._clock = SystemClock()
        self._reranker = reranker
        self._rankers = self._ways()

    def _ways(self) -> Mapping[str, tuple[Ranker, Cascade]]:
        clock, fixed = self._clock, Reliability(is_estimated=False)
        ways = {
            "rrf": (Ranker(fixed, clock=clock, fusion=Fusion.RRF), Cascade.OFF),
            "fixed": (Ranker(fixed, clock=clock), Cascade.OFF),
            "untold": (Ranker(Reliability(scripts=frozenset({ANY_SCRIPT})), clock=clock), Cascade.OFF),
            "default": (Ranker(Reliability(), clock=clock), Cascade.OFF),
        }
        if self._beside is not None:
            ways["beside"] = (Ranker(Reliability(scripts=self._beside.scripts), clock=clock), Cascade.OFF)
            ways["fused"] = (Ranker(Reliability(), clock=clock), Cascade.OFF)
        if self._reranker is None:
            return ways
        stages = [Reranking(self._reranker, clock, POLICY)]
        return ways | {"cascade": (Ranker(Reliability(), stages, clock=clock), Cascade.AUTO)}

    async def measure(self) -> dict[str, object]:
        """The means of each way, and the medians of each stage."""
        sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(3))
        for key, question in self._labelled.questions.items():
            async for name, order in self._orders(question):
                found = measures(order, self._labelled.relevant[key])
                sums[name] += found
                self._ndcg[name].append(float(found[0]))
        count = len(self._labelled.questions)
        means = {name: (total / count).round(4).tolist() for name, total in sums.items()}
        named = {
            name: dict(zip(("ndcg@10", "recall@1", "recall@100"), row, strict=True)) for name, row in means.items()
        }
        return {"passages": len(self._labelled.passages), "questions": count, **named, **self._gain(), **self._costs()}

    async def _orders(self, question: str) -> AsyncIterator[tuple[str, list[str]]]:
        with self._timed("dense"):
            dense = tuple(self._dense.search(question)) if self._dense else ()
        with self._timed("lexical"):
            lexical = tuple(self._lexical.search(question))
        yield "dense", [hit.passage.document_id for hit in dense]
        yield "lexical", [hit.passage.document_id for hit in lexical]
        for name, (ranker, cascade) in self._rankers.items():
            # As in the service: an encoder that is blind for a question is not asked.
            is_asked = name in UNTOLD or can_read(question, LATIN)
            legs, others = Legs(dense if is_asked else (), lexical), ()
            if self._beside is not None and name in {"beside", "fused"}:
                other = self._beside.found(question)
                legs = replace(legs, dense=other.hits) if name == "beside" else legs
                others = (other,) if name == "fused" else ()
            deadline = Deadline.after(self._clock, PATIENCE_SECONDS)
            asked = Asked(question, name, cascade)
            fused, report = ranker.fuse(asked, legs, others)
            better = await ranker.improve(asked, fused, deadline)
            self._note(name, (report, *better.reports))
            yield name, [candidate.passage.document_id for candidate in better.candidates]

    def _note(self, way: str, reports: Sequence[StageReport]) -> None:
        if way == "default":
            self._times["fusion"].append(reports[0].took_ms)
        elif way == "cascade":
            self._reranked.append(reports[-1].ran)

    def _gain(self) -> dict[str, object]:
        """What the encoder beside gives, over the better of the two alone."""
        if self._beside is None:
            return {}
        better = max(("default", "beside"), key=lambda name: statistics.fmean(self._ndcg[name]))
        gains = np.array(self._ndcg["fused"]) - np.array(self._ndcg[better])
        error = float(gains.std(ddof=1) / len(gains) ** 0.5)
        return {"gain": {"over": better, "ndcg@10": round(float(gains.mean()), 4), "standard_error": round(error, 4)}}

    def _costs(self) -> dict[str, object]:
        times: Times = {"encode": self._encoding_ms(), **self._times}
        if self._reranker is not None:
            times["rerank"] = self._reranker.fresh_ms
        medians = {stage: round(statistics.median(taken), 2) for stage, taken in times.items() if taken}
        share = {"reranked_share": round(statistics.fmean(self._reranked), 3)} if self._reranked else {}
        return {"ms": medians, **share}

    def _encoding_ms(self) -> list[float]:
        taken = []
        for question in list(self._labelled.questions.values())[:TIMED_QUESTIONS]:
            begin = time.perf_counter()
            self._encoder.encode([self._encoder.tokenize(self._encoder.card.query_prefix + question)[0]])
            taken.append(1_000 * (time.perf_counter() - begin))
        return taken

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self._times[stage].append(1_000 * (time.perf_counter() - begin))


class BesideLeg:
    """What another encoder finds."""

    def __init__(self, labelled: Labelled, encoder: Encoder, cache: Path) -> None:
        self.scripts = scripts_of(encoder.card.scripts)
        self._name = encoder.card.name
        self._leg = DenseLeg(labelled.passages, encoder, cache)
        self._leg.prepare(list(labelled.questions.values()))

    def found(self, question: str) -> EncoderHits:
        """Its nearest passages; none where it cannot read the question."""
        is_asked = can_read(question, self.scripts)
        return EncoderHits(self._name, tuple(self._leg.search(question)) if is_asked else (), self.scripts)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS), help="which of them")
    parser.add_argument("--cache", type=Path, default=Path(".headwater/bench"), help="folder for vectors and scores")
    parser.add_argument("--limit", type=int, default=0, help="questions a set; 0 means all")
    parser.add_argument("--without", nargs="*", choices=["cascade", "dense"], default=[], help="what to leave out")
    parser.add_argument("--beside", default="", help="another encoder, by its name in the registry")
    return parser.parse_args(words)


def limited(labelled: Labelled, limit: int) -> Labelled:
    """The set with its first questions alone."""
    questions = dict(list(labelled.questions.items())[: limit or None])
    return Labelled(labelled.passages, questions, labelled.relevant)


def main() -> None:
    """Measures the sets that are there."""
    arguments = parse()
    settings = ModelSettings()
    encoder = open_encoder(settings.model_spec(), settings.model_store())
    reranker = None if "cascade" in arguments.without else CachedReranker(settings.model_store(), arguments.cache)
    result: dict[str, object] = {"model": encoder.card.name, "model_id": encoder.card.model_id}
    store, named = settings.model_store(), arguments.beside
    other = open_encoder(known(store.root).get(named), store) if named else None
    for name in arguments.sets:
        labelled = limited(SETS[name](arguments.data), arguments.limit)
        dense = None if "dense" in arguments.without else DenseLeg(labelled.passages, encoder, arguments.cache)
        if dense is not None:
            dense.prepare(list(labelled.questions.values()))
        beside = None if other is None else BesideLeg(labelled, other, arguments.cache)
        result[name] = asyncio.run(Bench(labelled, encoder, dense, reranker, beside).measure())
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
