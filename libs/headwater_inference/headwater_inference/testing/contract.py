"""The contract suites over encoders and rerankers."""

import concurrent.futures
from collections.abc import Sequence

import numpy as np
import pytest
from headwater_kit.core.errors import Unavailable

from headwater_inference.ports import Encoder, Reranker, Scores, Vectors

# Invariant I6: what a vector may move by when other texts are encoded beside it.
SAME_MEANING_COSINE = 0.9999
LENGTH_TOLERANCE = 1e-5
TEXTS = (
    "Kafka keeps the records of a partition in order.",
    "A tombstone deletes a document from the index.",
    "short",
    "The quick brown fox jumps over the lazy dog. " * 40,
    "naïve café 你好, Ünïcödé and e\u0301",
    "ctrl \x00\x07\x1b characters\ttoo",
    "!?",
    "",
    "a" * 5_000,
)


class EncoderContract:
    """What every Encoder promises. A test class subclasses it and gives the `encoder` fixture.

    The fixture must give a fresh encoder where a test closes it, so it has
    function scope, or hands out a copy.
    """

    @pytest.fixture
    def encoder(self) -> Encoder:
        raise NotImplementedError("give the encoder to test")

    def test_vectors_are_unit_float32_of_the_stated_dimension(self, encoder: Encoder) -> None:
        vectors = encode(encoder, TEXTS)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(TEXTS), encoder.card.dimension)
        assert np.abs(np.linalg.norm(vectors, axis=1) - 1.0).max() < LENGTH_TOLERANCE

    def test_a_vector_is_the_same_alone_and_in_company(self, encoder: Encoder) -> None:
        together = encode(encoder, TEXTS)
        alone = np.concatenate([encode(encoder, [text]) for text in TEXTS])
        reversed_company = encode(encoder, TEXTS[::-1])[::-1]
        assert (together * alone).sum(axis=1).min() >= SAME_MEANING_COSINE
        assert (together * reversed_company).sum(axis=1).min() >= SAME_MEANING_COSINE

    def test_a_vector_is_the_same_when_threads_share_the_encoder(self, encoder: Encoder) -> None:
        expected = encode(encoder, TEXTS)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            rounds = list(pool.map(lambda _: encode(encoder, TEXTS), range(4)))
        assert min((found * expected).sum(axis=1).min() for found in rounds) >= SAME_MEANING_COSINE

    def test_no_texts_give_no_vectors(self, encoder: Encoder) -> None:
        assert encoder.encode([]).shape == (0, encoder.card.dimension)

    def test_a_text_over_the_window_is_cut_to_it_and_says_so(self, encoder: Encoder) -> None:
        ids, is_cut = encoder.tokenize("word " * 4 * encoder.card.max_tokens)
        assert is_cut
        assert len(ids) == encoder.card.max_tokens

    def test_a_text_within_the_window_is_not_cut(self, encoder: Encoder) -> None:
        ids, is_cut = encoder.tokenize("word " * (encoder.card.max_tokens // 4))
        assert not is_cut
        assert len(ids) <= encoder.card.max_tokens

    def test_a_text_about_the_question_is_nearer_than_another(self, encoder: Encoder) -> None:
        question, near, far = encode(
            encoder,
            (
                "How is a document deleted from the index?",
                "To delete a document from the index, produce a tombstone for it.",
                "Bake the bread for forty minutes until the crust is brown.",
            ),
        )
        assert question @ near > question @ far + 0.1

    def test_a_closed_encoder_says_so(self, encoder: Encoder) -> None:
        ids, _ = encoder.tokenize("text")
        encoder.close()
        with pytest.raises(Unavailable):
            encoder.encode([ids])


def encode(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Vectors of the texts, in one batch."""
    return encoder.encode([encoder.tokenize(text)[0] for text in texts])


QUESTION = "How is a document deleted from the index?"


class RerankerContract:
    """What every Reranker promises. A test class subclasses it and gives the `reranker` fixture, a fresh one."""

    @pytest.fixture
    def reranker(self) -> Reranker:
        raise NotImplementedError("give the reranker to test")

    def test_there_is_a_finite_score_a_pair(self, reranker: Reranker) -> None:
        scores = score(reranker, QUESTION, TEXTS)
        assert scores.shape == (len(TEXTS),)
        assert np.isfinite(scores).all()
        assert reranker.score([]).shape == (0,)

    def test_a_score_is_the_same_alone_and_in_company(self, reranker: Reranker) -> None:
        alone = np.concatenate([score(reranker, QUESTION, [text]) for text in TEXTS])
        np.testing.assert_allclose(score(reranker, QUESTION, TEXTS), alone, atol=1e-5)
        np.testing.assert_allclose(score(reranker, QUESTION, TEXTS[::-1])[::-1], alone, atol=1e-5)

    def test_a_passage_that_answers_scores_above_one_that_does_not(self, reranker: Reranker) -> None:
        near, far = score(
            reranker,
            QUESTION,
            (
                "To have a document deleted, produce a tombstone for it: the index drops its chunks.",
                "Bake the bread for forty minutes until the crust is brown.",
            ),
        )
        assert near > far

    def test_what_is_over_the_window_is_cut(self, reranker: Reranker) -> None:
        long = "word " * 4 * reranker.card.max_tokens
        for pair in (reranker.pair(QUESTION, long), reranker.pair(long, "a passage"), reranker.pair(long, long)):
            assert len(pair) <= reranker.card.max_tokens
            assert len(pair.ids) == len(pair.kinds)
            assert set(pair.kinds) == {0, 1}

    def test_a_closed_reranker_says_so(self, reranker: Reranker) -> None:
        pair = reranker.pair(QUESTION, "text")
        reranker.close()
        with pytest.raises(Unavailable):
            reranker.score([pair])


def score(reranker: Reranker, question: str, passages: Sequence[str]) -> Scores:
    """Scores of the passages, in one batch."""
    return reranker.score([reranker.pair(question, passage) for passage in passages])
