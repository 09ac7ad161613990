"""Whether a model that nobody vouches for is one that can be served."""

from pathlib import Path

import numpy as np
from headwater_kit.core.errors import InvalidInput

from headwater_inference.ports import Encoder, Reranker
from headwater_inference.session import open_session, token_inputs
from headwater_inference.tokens import load_tokenizer

_APART = ("Kafka keeps the records of a partition in order.", "Bread is baked until its crust is brown.")
# Scripts and marks that bring up token ids from all over the vocabulary, and a text without any.
_TEXTS = (*_APART, "naïve café 你好 Привет नमस्ते 🙂", "ctrl \x00 characters", "")
_SAME_COSINE = 0.9999


def find_dimension(weights: Path, tokenizer: Path) -> int:
    """How many numbers the model's vectors have: it is run once.

    Raises Misconfigured where the files cannot be loaded, InvalidInput where
    the model is no encoder that gives a state for each token.
    """
    session = open_session(weights)
    ids = np.asarray([load_tokenizer(tokenizer).encode(_APART[0]).ids], dtype=np.int64)
    given = token_inputs(ids)
    wanted = {argument.name for argument in session.get_inputs()}
    if "input_ids" not in wanted or wanted - given.keys():
        raise InvalidInput(
            f"the model asks for {', '.join(sorted(wanted))}: what can be given is {', '.join(given)}, and input_ids "
            "must be among them"
        )
    try:
        states = session.run(None, {name: given[name] for name in wanted})[0]
    except Exception as error:  # the binding's errors share no base
        raise InvalidInput(f"the model cannot be run on what its tokenizer gives: {error}") from error
    if states.ndim != 3 or states.shape[:2] != ids.shape:
        raise InvalidInput(
            f"the model's first output has the shape {states.shape}: it must be one state a token, {ids.shape} and the "
            "dimension; export it without its pooling"
        )
    return int(states.shape[2])


def try_encoder(encoder: Encoder) -> None:
    """Embeds a few texts, one as long as the window. Raises InvalidInput where the vectors mean nothing."""
    window = encoder.card.max_tokens
    try:
        vectors = encoder.encode([encoder.tokenize(text)[0] for text in (*_TEXTS, "word " * window)])
    except Exception as error:  # the binding's errors share no base
        raise InvalidInput(f"the model fails on some texts of up to {window} tokens: {error}") from error
    if float(vectors[0] @ vectors[1]) > _SAME_COSINE:
        raise InvalidInput("the model gives the same vector for different texts: the pooling may be another")


def try_reranker(reranker: Reranker) -> None:
    """Scores a few pairs, one as long as the window. Raises InvalidInput where the scores mean nothing."""
    window = reranker.card.max_tokens
    pairs = [reranker.pair(_APART[0], text) for text in (*_TEXTS, "word " * window)]
    try:
        scores = reranker.score(pairs)
    except Exception as error:  # the binding's errors share no base
        raise InvalidInput(f"the model fails on some pairs of up to {window} tokens: {error}") from error
    if float(np.ptp(scores)) == 0.0:
        raise InvalidInput("the model gives all passages the same score: the tokenizer may be another's")
