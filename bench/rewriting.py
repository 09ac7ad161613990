"""What a question's other words add without a language model, on labelled sets, as JSON.

    python bench/rewriting.py --data DIR [--sets scifact xquad_en ...] [--limit N] [--weight 0.3]

`DIR` holds the sets as `bench/retrieval.py` reads them; analysis, encoder,
estimated weights, fusion and expansion are the services' own, the searches are exact.
`plain` is the question as retrieve searches it, and `all_words` the same where
that looks up the phrases of a question alone, with all its words; `phrases` and `titles` add what `expand` makes
of it, one kind alone, `expand` both, `expand_rank` both by reciprocal ranks;
`parts` adds the simpler questions in it. `gains` counts the questions whose
nDCG@10 rises and falls against plain.

`conversation`, on sets of several questions a paragraph, takes the questions of
a paragraph for a conversation. Those that lean on earlier ones, by the rule of
`generate`, are searched as they are, with what the rule carries over (`instead`
of the question, and `beside` it), and with what it carries over from a
conversation about another paragraph (`_elsewhere`): what it costs where the
asker has changed the subject.
"""

import argparse
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from headwater_generate.domain.conversation import leans, stand_alone
from headwater_generate.domain.parts import parts
from headwater_inference.catalogue import open_encoder
from headwater_inference.ports import Encoder
from headwater_inference.settings import ModelSettings
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.documents import DocumentInfo, Passage
from headwater_kit.core.rewriting import QueryFusion, Turn, Variant
from headwater_retrieve.domain import expansion
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.reliability import Reliability, can_read
from headwater_retrieve.domain.variants import Weighted, combine, distinct
from headwater_retrieve.handlers import Asked, Ranker
from headwater_retrieve.ports import Legs
from headwater_text.phrases import sought
from headwater_vectors.ports import Hit
from labelled import LATIN, SETS, Labelled, measures
from legs import DenseLeg, LexicalLeg

SQUAD = {
    "cmrc2018": "cmrc2018/cmrc2018_dev.json.gz",
    "xquad_en": "xquad/xquad.en.json.gz",
    "xquad_zh": "xquad/xquad.zh.json.gz",
}
MEASURES = ("ndcg@10", "recall@1", "recall@100")


class Index:
    """Both legs over a set's texts; lists are kept, since most texts are searched several times."""

    def __init__(self, labelled: Labelled, titles: Mapping[str, str], encoder: Encoder, cache: Path) -> None:
        self._titles = titles
        self._lexical = LexicalLeg(labelled.passages)
        # Each learns how far the legs are to be trusted from what it is asked, as a service does from its searches.
        self._ranker, self._by_all_words = (Ranker(Reliability(), clock=SystemClock()) for _ in range(2))
        self._lists: dict[str, list[Candidate]] = {}
        self._near: dict[str, list[Hit]] = {}
        self._make_dense = partial(DenseLeg, labelled.passages, encoder, cache)
        self._dense: DenseLeg | None = None

    def prepare(self, texts: Sequence[str]) -> None:
        """Searches by all texts that have not been searched by; to be called with many at once."""
        new = list(dict.fromkeys(text for text in texts if text not in self._lists))
        # Where the encoder is blind for all of them, nothing has to be encoded.
        if read := [text for text in new if can_read(text, LATIN)]:
            self._dense = self._dense or self._make_dense()
            self._dense.prepare(read)
        for text in new:
            near = self._dense.search(text) if self._dense and can_read(text, LATIN) else ()
            self._near[text] = self._hits(near)
            self._lists[text] = self._fused(self._ranker, text, self._lexical.search(text))

    def all_words(self, text: str) -> list[Candidate]:
        """What a query finds by all its words."""
        return self._fused(self._by_all_words, text, self._lexical.search(text, str))

    def search(
        self, text: str, variants: Sequence[Variant] = (), fusion: QueryFusion = QueryFusion.SCORE
    ) -> list[Candidate]:
        """What retrieve makes of a query with these variants, best first."""
        beside = [Weighted(self._lists[each.text], each.weight) for each in distinct(text, variants)]
        return combine(Weighted(self._lists[text]), beside, fusion)

    def _fused(self, ranker: Ranker, text: str, lexical: Sequence[Hit]) -> list[Candidate]:
        return ranker.fuse(Asked(text, "bench"), Legs(tuple(self._near[text]), tuple(self._hits(lexical))))[0]

    def _hits(self, found: Sequence[Hit]) -> list[Hit]:
        return [replace(hit, passage=self._titled(hit.passage)) for hit in found]

    def _titled(self, passage: Passage) -> Passage:
        return replace(passage, info=DocumentInfo(title=self._titles.get(passage.document_id, "")))


def titles_of(name: str, data: Path, labelled: Labelled) -> Mapping[str, str]:
    """Title by text id: of the paper, or of the article that the paragraph is from; a set may have none."""
    if name == "scifact":
        return {key: text.partition("\n")[0] for key, text in labelled.texts.items()}
    with gzip.open(data / SQUAD[name], "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
    named = [article.get("title", "").replace("_", " ") for article in articles for _ in article["paragraphs"]]
    return {f"p{number}": title for number, title in enumerate(named)}


def other_words(index: Index, questions: Sequence[str], weight: float) -> Iterator[tuple[str, str, list[Candidate]]]:
    """Question, way and list, for each question and each way to add to it."""
    phrases = {text: _weighted(expansion.by_phrases(text), weight) for text in questions}
    cut = {text: [Variant(part) for part in parts(text)] for text in questions}
    index.prepare([*questions, *_texts(phrases), *_texts(cut)])
    titled = {text: _weighted(expansion.by_titles(text, index.search(text)), weight) for text in questions}
    index.prepare(_texts(titled))
    for text in questions:
        both = [*phrases[text], *titled[text]]
        yield text, "plain", index.search(text)
        if sought(text) != text:
            yield text, "all_words", index.all_words(text)
        yield text, "phrases", index.search(text, phrases[text])
        yield text, "titles", index.search(text, titled[text])
        yield text, "expand", index.search(text, both)
        yield text, "expand_rank", index.search(text, both, QueryFusion.RANK)
        if cut[text]:
            yield text, "parts", index.search(text, cut[text])


def measure_words(index: Index, labelled: Labelled, questions: Mapping[str, str], weight: float) -> dict[str, object]:
    """Means of each way, and how many questions it raises and lowers."""
    relevant: dict[str, list[Mapping[str, int]]] = defaultdict(list)
    for key, text in questions.items():
        relevant[text].append(labelled.relevant[key])
    rows: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    for text, way, found in other_words(index, list(relevant), weight):
        order = [candidate.passage.document_id for candidate in found]
        rows[way][text] = np.mean([measures(order, each) for each in relevant[text]], axis=0)
    return {way: _against(of_way, rows["plain"]) for way, of_way in rows.items()}


def measure_conversation(index: Index, labelled: Labelled, questions: Mapping[str, str]) -> dict[str, object]:
    """The questions that lean on earlier ones, as they are, carried over, and carried over from elsewhere."""
    talks: dict[str, list[str]] = defaultdict(list)
    for key in questions:
        talks[key.partition("q")[0]].append(key)
    names = list(talks)
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    for place, name in enumerate(names):
        # Half a set away is another article.
        elsewhere = [Turn(questions[key]) for key in talks[names[(place + len(names) // 2) % len(names)]]]
        for number, key in enumerate(talks[name]):
            before = [Turn(questions[each]) for each in talks[name][:number]]
            if before and leans(questions[key]):
                asked[""][key] = stand_alone(questions[key], before)
                asked["_elsewhere"][key] = stand_alone(questions[key], elsewhere)
    index.prepare([text for texts in asked.values() for text in texts.values()])
    rows: dict[str, list[np.ndarray]] = defaultdict(list)
    for of, texts in asked.items():
        for key, text in texts.items():
            searched = {
                "as_it_is": index.search(questions[key]),
                f"instead{of}": index.search(text),
                f"beside{of}": index.search(questions[key], [Variant(text)]),
            }
            for way, found in searched.items():
                rows[way].append(measures([each.passage.document_id for each in found], labelled.relevant[key]))
    return {"questions": len(asked[""]), **{way: _named(np.mean(each, axis=0)) for way, each in rows.items()}}


def _against(of_way: Mapping[str, np.ndarray], plain: Mapping[str, np.ndarray]) -> dict[str, object]:
    change = np.array([row[0] - plain[text][0] for text, row in of_way.items()])
    means = _named(np.mean(list(of_way.values()), axis=0))
    if len(of_way) < len(plain):
        means |= {"questions": len(of_way), "plain": _named(np.mean([plain[text] for text in of_way], axis=0))}
    return {**means, "gains": {"rise": int((change > 1e-9).sum()), "fall": int((change < -1e-9).sum())}}


def _named(row: np.ndarray) -> dict[str, object]:
    return dict(zip(MEASURES, row.round(4).tolist(), strict=True))


def _weighted(variants: Sequence[Variant], weight: float) -> list[Variant]:
    return [Variant(variant.text, weight) for variant in variants]


def _texts(variants: Mapping[str, Sequence[Variant]]) -> list[str]:
    return [variant.text for each in variants.values() for variant in each]


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--sets", nargs="*", choices=("scifact", *SQUAD), default=("scifact", *SQUAD))
    parser.add_argument("--cache", type=Path, default=Path(".headwater/bench"), help="folder for vectors")
    parser.add_argument("--limit", type=int, default=0, help="questions a set; 0 means all")
    parser.add_argument("--weight", type=float, default=expansion.TITLES_WEIGHT, help="weight of what is added")
    return parser.parse_args(words)


def main() -> None:
    """Measures the sets that are there."""
    arguments = parse()
    settings = ModelSettings()
    encoder = open_encoder(settings.model_spec(), settings.model_store())
    result: dict[str, object] = {"model": encoder.card.name, "weight": arguments.weight}
    for name in arguments.sets:
        labelled = SETS[name](arguments.data)
        questions = dict(list(labelled.questions.items())[: arguments.limit or None])
        index = Index(labelled, titles_of(name, arguments.data, labelled), encoder, arguments.cache)
        measured = measure_words(index, labelled, questions, arguments.weight)
        if name in SQUAD:
            measured["conversation"] = measure_conversation(index, labelled, questions)
        result[name] = {"texts": len(labelled.texts), "questions": len(questions), **measured}
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
