"""Rerankers on ONNX Runtime: cross-encoders, one pair a run.

Method: Nogueira and Cho, "Passage Re-ranking with BERT" (2019). A pair is a run
of its own, without padding, for the reasons that `onnx.OnnxEncoder` gives: so
its score depends on the pair alone.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from headwater_kit.core.errors import Misconfigured, Permanent, Unavailable

from headwater_inference.device import Device
from headwater_inference.ports import Pair, Scores
from headwater_inference.registry import TOKENIZER, WEIGHTS, ModelSpec
from headwater_inference.session import open_session, token_inputs
from headwater_inference.tokens import load_tokenizer

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

# Of the window, what a question may take: the passage is what is judged.
QUESTION_SHARE = 0.5


class OnnxReranker:
    """A BERT-like Reranker whose only output is one number a pair."""

    def __init__(self, spec: ModelSpec, files: Mapping[str, Path], device: Device = Device.CPU) -> None:
        """Loads the weights; raises Misconfigured where they do not fit the spec or the device."""
        self.card = spec.card
        session = open_session(files[WEIGHTS], device)
        self._inputs = {argument.name for argument in session.get_inputs()}
        # None once closed; a run that began before keeps the weights until its end.
        self._session: onnxruntime.InferenceSession | None = session
        self._questions, self._pairs = load_tokenizer(files[TOKENIZER]), load_tokenizer(files[TOKENIZER])
        self._questions.enable_truncation(int(spec.max_tokens * QUESTION_SHARE))
        self._pairs.enable_truncation(spec.max_tokens, strategy="only_second")
        self._check_output()

    def pair(self, question: str, passage: str) -> Pair:
        short = self._questions.encode(question, add_special_tokens=False)
        if short.overflowing:
            question = question[: short.offsets[-1][1]]
        encoding = self._pairs.encode(question, passage)
        return Pair(encoding.ids, encoding.type_ids)

    def score(self, batch: Sequence[Pair]) -> Scores:
        return np.array([self._score_one(pair) for pair in batch], dtype=np.float32)

    def close(self) -> None:
        self._session = None

    def _score_one(self, pair: Pair) -> float:
        session = self._session
        if session is None:
            raise Unavailable("the reranker is closed: ask another instance")
        ids, kinds = (np.asarray([row], dtype=np.int64) for row in (pair.ids, pair.kinds))
        inputs = {**token_inputs(ids), "token_type_ids": kinds}
        score = float(session.run(None, {name: inputs[name] for name in self._inputs})[0].reshape(-1)[0])
        if not np.isfinite(score):
            raise Permanent(f"{self.card.name} gives no score for a pair of {len(pair)} tokens", reason="NO_SCORE")
        return score

    def _check_output(self) -> None:
        session = self._session
        shape = session.get_outputs()[0].shape if session else []
        if len(shape) != 2 or shape[1] != 1:
            raise Misconfigured(f"{self.card.name} gives {shape}, not one number a pair: choose another reranker")
