"""nDCG@10 of vectors alone, on a set in BEIR layout; a run that was stopped goes on where it was."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from headwater_inference.ports import Vectors
from headwater_inference.registry import builtin
from headwater_kit.core.documents import text_hash
from labelled import beir, measures
from tokenizers import Tokenizer

Encode = Callable[[Sequence[Sequence[int]]], Vectors]
PART = 100
DEPTH = 100


def ndcg(folder: Path, encode: Encode, tokenizer: Tokenizer, cache: Path, limit: int) -> float:
    """The mean over the set's test questions, by exact cosine; a limit keeps the relevant texts and some others."""
    labelled, prefix = beir(folder), builtin().get("english").query_prefix
    tokenizer.enable_truncation(512)
    relevant = set().union(*labelled.relevant.values())
    ids = sorted(labelled.texts, key=lambda name: name not in relevant)[: limit or None]
    texts = [labelled.texts[name] for name in ids]
    documents = cached(texts, encode, tokenizer, cache)
    questions = cached([prefix + question for question in labelled.questions.values()], encode, tokenizer, cache)
    scores = questions @ documents.T
    orders = np.argsort(-scores, axis=1, kind="stable")[:, :DEPTH]
    found = zip(labelled.questions, orders, strict=True)
    return round(
        float(np.mean([measures([ids[i] for i in order], labelled.relevant[key])[0] for key, order in found])), 4
    )


def cached(texts: Sequence[str], encode: Encode, tokenizer: Tokenizer, cache: Path) -> Vectors:
    """Vectors of the texts, made part by part."""
    cache.mkdir(parents=True, exist_ok=True)
    parts = []
    for start in range(0, len(texts), PART):
        part = texts[start : start + PART]
        file = cache / f"{text_hash(chr(10).join(part))}.npy"
        if not file.exists():
            np.save(file, encode([tokenizer.encode(text).ids for text in part]))
        parts.append(np.load(file))
    return np.concatenate(parts)
