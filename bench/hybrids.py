"""Hybrid pipelines of others, each in a process of its own that `bench/retrieval_peers.py` starts.

    PEERS_PYTHON hybrids.py NAME FOLDER

FOLDER holds `set.json` and `vectors.npz`: the chunks and the questions with
their vectors. Writes one JSON object: for each question the ids found, best
first, and the seconds that took; the seconds of indexing; versions. Each is
built as its own pages show it, with its defaults; vectors are looked up where
they would be made, and vector search is exact. Needs the packages of
bench/requirements-peers.txt and nothing of Headwater.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np

# Nothing may be fetched or sent while one is measured.
os.environ.update(HF_HUB_OFFLINE="1", HAYSTACK_TELEMETRY_ENABLED="False", ANONYMIZED_TELEMETRY="False")

Search = Callable[[str], list[str]]


@dataclass(frozen=True)
class Set:
    """Chunks and questions, and the vector of each; `candidates` are asked of each leg."""

    candidates: int
    ids: Sequence[str]
    texts: Sequence[str]
    vectors: np.ndarray
    questions: Sequence[str]
    asked: Mapping[str, np.ndarray]


def llamaindex(given: Set, mode: str) -> Search:
    from llama_index.core import VectorStoreIndex  # noqa: PLC0415 - each peer needs its own packages
    from llama_index.core.embeddings import BaseEmbedding  # noqa: PLC0415
    from llama_index.core.llms import MockLLM  # noqa: PLC0415
    from llama_index.core.retrievers import QueryFusionRetriever  # noqa: PLC0415
    from llama_index.core.schema import TextNode  # noqa: PLC0415
    from llama_index.retrievers.bm25 import BM25Retriever  # noqa: PLC0415

    class LookUp(BaseEmbedding):
        def _get_query_embedding(self, query: str) -> list[float]:
            return given.asked[query].tolist()

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

        def _get_text_embedding(self, text: str) -> list[float]:
            raise KeyError(text)  # the nodes have theirs

    nodes = [
        TextNode(id_=name, text=text, embedding=vector.tolist())
        for name, text, vector in zip(given.ids, given.texts, given.vectors, strict=True)
    ]
    dense = VectorStoreIndex(nodes, embed_model=LookUp()).as_retriever(similarity_top_k=given.candidates)
    lexical = BM25Retriever.from_defaults(nodes=nodes, similarity_top_k=given.candidates)
    # One query and no language model: nothing is rewritten.
    fused = QueryFusionRetriever(
        [dense, lexical], llm=MockLLM(), mode=mode, similarity_top_k=given.candidates, num_queries=1, use_async=False
    )
    return lambda question: [found.node.node_id for found in fused.retrieve(question)]


def haystack(given: Set, mode: str) -> Search:
    from haystack import Document, Pipeline  # noqa: PLC0415
    from haystack.components.joiners import DocumentJoiner  # noqa: PLC0415
    from haystack.components.retrievers.in_memory import (  # noqa: PLC0415
        InMemoryBM25Retriever,
        InMemoryEmbeddingRetriever,
    )
    from haystack.document_stores.in_memory import InMemoryDocumentStore  # noqa: PLC0415

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    rows = zip(given.ids, given.texts, given.vectors, strict=True)
    store.write_documents([Document(id=name, content=text, embedding=vector.tolist()) for name, text, vector in rows])
    pipeline = Pipeline()
    pipeline.add_component("words", InMemoryBM25Retriever(store, top_k=given.candidates))
    pipeline.add_component("vectors", InMemoryEmbeddingRetriever(store, top_k=given.candidates))
    pipeline.add_component("joiner", DocumentJoiner(join_mode=mode))
    pipeline.connect("words", "joiner")
    pipeline.connect("vectors", "joiner")

    def search(question: str) -> list[str]:
        vector = given.asked[question].tolist()
        found = pipeline.run({"words": {"query": question}, "vectors": {"query_embedding": vector}})
        return [document.id for document in found["joiner"]["documents"]]

    return search


def txtai(given: Set) -> Search:
    from txtai import Embeddings  # noqa: PLC0415

    known = dict(zip(given.texts, given.vectors, strict=True)) | dict(given.asked)

    def transform(texts: Sequence[str]) -> np.ndarray:
        return np.stack([known[text] for text in texts])

    # Its default is an approximate index from 5,000 rows on.
    exact = {"components": "IDMap,Flat"}
    embeddings = Embeddings(method="external", transform=transform, hybrid=True, backend="faiss", faiss=exact)
    embeddings.index(list(zip(given.ids, given.texts, strict=True)))
    return lambda question: [name for name, _ in embeddings.search(question, given.candidates)]


def langchain(given: Set) -> Search:
    from langchain_classic.retrievers import EnsembleRetriever  # noqa: PLC0415
    from langchain_community.retrievers import BM25Retriever  # noqa: PLC0415
    from langchain_core.documents import Document  # noqa: PLC0415
    from langchain_core.embeddings import Embeddings  # noqa: PLC0415
    from langchain_core.vectorstores import InMemoryVectorStore  # noqa: PLC0415

    known = dict(zip(given.texts, given.vectors, strict=True))

    class LookUp(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [known[text].tolist() for text in texts]

        def embed_query(self, text: str) -> list[float]:
            return given.asked[text].tolist()

    documents = [Document(text, metadata={"name": name}) for name, text in zip(given.ids, given.texts, strict=True)]
    store = InMemoryVectorStore(LookUp())
    store.add_documents(documents)
    dense = store.as_retriever(search_kwargs={"k": given.candidates})
    lexical = BM25Retriever.from_documents(documents, k=given.candidates)
    fused = EnsembleRetriever(retrievers=[lexical, dense], weights=[0.5, 0.5])
    return lambda question: [found.metadata["name"] for found in fused.invoke(question)]


@dataclass(frozen=True)
class Peer:
    """How it is built; the packages whose versions count; what takes long to import."""

    build: Callable[[Set], Search]
    packages: Sequence[str]
    modules: Sequence[str]


def _llamaindex(mode: str) -> Peer:
    modules = ("llama_index.core", "llama_index.retrievers.bm25")
    return Peer(lambda given: llamaindex(given, mode), ("llama-index-core", "llama-index-retrievers-bm25"), modules)


def _haystack(mode: str) -> Peer:
    modules = ("haystack", "haystack.components.joiners", "haystack.document_stores.in_memory")
    return Peer(lambda given: haystack(given, mode), ("haystack-ai",), modules)


PEERS = {
    "llamaindex relative_score": _llamaindex("relative_score"),
    "llamaindex reciprocal_rerank": _llamaindex("reciprocal_rerank"),
    "haystack reciprocal_rank_fusion": _haystack("reciprocal_rank_fusion"),
    "haystack distribution_based_rank_fusion": _haystack("distribution_based_rank_fusion"),
    "txtai hybrid": Peer(txtai, ("txtai",), ("txtai",)),
    "langchain ensemble": Peer(
        langchain,
        ("langchain-classic", "langchain-community", "rank-bm25"),
        ("langchain_classic.retrievers", "langchain_community.retrievers"),
    ),
}


def read(folder: Path) -> Set:
    said = json.loads((folder / "set.json").read_text())
    with np.load(folder / "vectors.npz") as vectors:
        texts, questions = vectors["texts"], vectors["questions"]
    asked = dict(zip(said["questions"], questions, strict=True))
    return Set(said["candidates"], said["ids"], said["texts"], texts, said["questions"], asked)


def main(name: str, folder: Path) -> None:
    """Indexes, asks all questions one after the other, and says what came of it."""
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever the packages print goes elsewhere
    peer, given = PEERS[name], read(folder)
    for module in peer.modules:
        import_module(module)
    begin = time.perf_counter()
    search = peer.build(given)
    indexing = time.perf_counter() - begin
    search(given.questions[0])
    orders, seconds = [], []
    for question in given.questions:
        begin = time.perf_counter()
        orders.append(search(question))
        seconds.append(time.perf_counter() - begin)
    versions = {package: version(package) for package in peer.packages}
    json.dump({"orders": orders, "seconds": seconds, "indexing_seconds": indexing, "versions": versions}, answers)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
