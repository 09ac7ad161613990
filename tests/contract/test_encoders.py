"""The encoder contract, on the encoder that needs no weights; the real one passes it in tests/integration."""

import pytest
from headwater_inference.hashed import HashEncoder
from headwater_inference.registry import builtin
from headwater_inference.testing.contract import EncoderContract


class TestHashEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> HashEncoder:
        return HashEncoder(builtin().get("hash-words"))
