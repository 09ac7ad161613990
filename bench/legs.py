"""The two legs over passages in memory: exact searches, with the service's own analysis, encoder and formula."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from headwater_index.domain.rows import lexical
from headwater_inference.ports import Encoder, Vectors
from headwater_kit.core.documents import Passage, text_hash
from headwater_text.analysis import analyse
from headwater_text.phrases import sought
from headwater_vectors.bm25 import K1, B
from headwater_vectors.ports import Hit
from labelled import DEPTH, embedded

# Texts whose vectors are kept in one file: a run that was stopped goes on where it was.
PART = 200


class LexicalLeg:
    """Exact BM25 by an inverted list; the same formula as `headwater_vectors.bm25`."""

    def __init__(self, passages: Mapping[str, Passage]) -> None:
        self._passages = list(passages.values())
        terms = [lexical(passage.info, passage.chunk, analyse).split() for passage in self._passages]
        lengths = np.array([len(each) for each in terms], dtype=np.float64)
        self._damping = K1 * (1 - B + B * lengths / lengths.mean())
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, each in enumerate(terms):
            for term, times in Counter(each).items():
                postings[term].append((place, times))
        self._postings = {term: np.array(found) for term, found in postings.items()}

    def search(self, question: str, look_up: Callable[[str], str] = sought) -> Sequence[Hit]:
        """The best passages; only those that share a term."""
        scores = np.zeros(len(self._passages))
        for term, count in Counter(analyse(look_up(question)).split()).items():
            found = self._postings.get(term)
            if found is not None:
                places, times = found[:, 0], found[:, 1]
                idf = math.log(1 + (len(scores) - len(found) + 0.5) / (len(found) + 0.5))
                scores[places] += count * idf * times * (K1 + 1) / (times + self._damping[places])
        return best(self._passages, scores, scores > 0)


class DenseLeg:
    """Exact cosine; vectors come from the encoder once, and from the cache after."""

    def __init__(self, passages: Mapping[str, Passage], encoder: Encoder, cache: Path) -> None:
        self._passages = list(passages.values())
        self._encoder = encoder
        self._cache = cache / encoder.card.model_id
        prefix = encoder.card.passage_prefix
        self.vectors = cached([prefix + embedded(each) for each in self._passages], self._encode, self._cache)
        self._questions: dict[str, np.ndarray] = {}

    def prepare(self, questions: Sequence[str]) -> None:
        """Encodes the questions, with the model's prefix; to be called before they are searched by."""
        asked = [self._encoder.card.query_prefix + question for question in questions]
        self._questions |= zip(questions, cached(asked, self._encode, self._cache), strict=True)

    def question(self, question: str) -> np.ndarray:
        """A prepared question's vector."""
        return self._questions[question]

    def _encode(self, texts: Sequence[str]) -> Vectors:
        tokens = [self._encoder.tokenize(text)[0] for text in texts]
        with ThreadPoolExecutor(2) as pool:
            return np.stack(list(pool.map(lambda ids: self._encoder.encode([ids])[0], tokens)))

    def search(self, question: str) -> Sequence[Hit]:
        """The nearest passages."""
        scores = self.vectors @ self._questions[question]
        return best(self._passages, scores, np.ones(len(scores), dtype=bool))


def cached(texts: Sequence[str], encode: Callable[[Sequence[str]], Vectors], folder: Path) -> Vectors:
    """Vectors of the texts, made part by part and kept in files of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for start in range(0, len(texts), PART):
        part = texts[start : start + PART]
        file = folder / f"{text_hash(chr(0).join(part))}.npy"
        if not file.exists():
            np.save(file, encode(part))
        parts.append(np.load(file))
    return np.concatenate(parts)


def best(passages: Sequence[Passage], scores: np.ndarray, matched: np.ndarray) -> Sequence[Hit]:
    """The first hundred of those that matched, as a store hands them over."""
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return [Hit(passages[place], float(scores[place])) for place in order if matched[place]]
