"""The contracts of encoders and rerankers, on those that need no weights; the real ones pass them in
tests/integration."""

import pytest
from headwater_inference.grams import GramEncoder
from headwater_inference.hashed import HashEncoder
from headwater_inference.overlap import OverlapReranker
from headwater_inference.registry import builtin
from headwater_inference.testing.contract import EncoderContract, RerankerContract


class TestHashEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> HashEncoder:
        return HashEncoder(builtin().get("hash-words"))


class TestGramEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> GramEncoder:
        return GramEncoder(builtin().get("hash-grams"))


class TestOverlapReranker(RerankerContract):
    @pytest.fixture
    def reranker(self) -> OverlapReranker:
        return OverlapReranker(builtin().get("hash-overlap"))
