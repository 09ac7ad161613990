"""Encoders on ONNX Runtime: one text a run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from headwater_kit.core.errors import Misconfigured, Permanent, Unavailable
from numpy.typing import NDArray

from headwater_inference.device import Device
from headwater_inference.ports import Vectors
from headwater_inference.registry import TOKENIZER, WEIGHTS, ModelSpec
from headwater_inference.session import open_session, token_inputs
from headwater_inference.tokens import load_tokenizer

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

# Token states of one text, shape (tokens, dimension), to its vector before normalisation.
Pooling = Callable[[NDArray[np.float32]], NDArray[np.float32]]
POOLINGS: Mapping[str, Pooling] = {
    "cls": lambda states: states[0],
    "mean": lambda states: states.mean(axis=0),
}


class OnnxEncoder:
    """A BERT-like Encoder. Each text is a run of its own, without padding.

    So its vector depends on the text alone, whatever the weights are: those
    that are quantised dynamically scale the activations of a whole run by its
    largest, and in a batch a text's vector would depend on its neighbours
    (cosine down to 0.992, measured). On CPUs it is faster too; parallel work
    comes from calling `encode` in several threads.
    """

    def __init__(self, spec: ModelSpec, files: Mapping[str, Path], device: Device = Device.CPU) -> None:
        """Loads the weights; raises Misconfigured where they do not fit the spec or the device."""
        if spec.pooling not in POOLINGS or spec.normalisation != "l2":
            raise Misconfigured(f"{spec.name}: pooling {spec.pooling!r} with {spec.normalisation!r} is not known")
        self.card = spec.card
        self._pool = POOLINGS[spec.pooling]
        session = open_session(_model(spec, files[WEIGHTS]), device)
        self._inputs = {argument.name for argument in session.get_inputs()}
        # None once closed; a run that began before keeps the weights until its end.
        self._session: onnxruntime.InferenceSession | None = session
        self._tokenizer = load_tokenizer(files[TOKENIZER])
        self._tokenizer.enable_truncation(spec.max_tokens)
        self._check_dimension()

    def tokenize(self, text: str) -> tuple[Sequence[int], bool]:
        encoding = self._tokenizer.encode(text)
        return encoding.ids, bool(encoding.overflowing)

    def encode(self, batch: Sequence[Sequence[int]]) -> Vectors:
        vectors = [self._encode_one(ids) for ids in batch]
        return np.stack(vectors) if vectors else np.zeros((0, self.card.dimension), dtype=np.float32)

    def close(self) -> None:
        self._session = None

    def _encode_one(self, ids: Sequence[int]) -> Vectors:
        session = self._session
        if session is None:
            raise Unavailable("the encoder is closed: ask another instance")
        inputs = token_inputs(np.asarray([ids], dtype=np.int64))
        states = session.run(None, {name: inputs[name] for name in self._inputs})[0]
        vector = self._pool(states[0])
        length = np.linalg.norm(vector)
        if not 0.0 < length < np.inf:  # nor is it a number: kept once, it would be served for good
            raise Permanent(f"{self.card.name} gives no vector for a text of {len(ids)} tokens", reason="NO_VECTOR")
        return np.asarray(vector / length, dtype=np.float32)

    def _check_dimension(self) -> None:
        ids, _ = self.tokenize("a")
        found = self._encode_one(ids).shape
        if found != (self.card.dimension,):
            raise Misconfigured(f"{self.card.name} gives vectors of {found}, its card says {self.card.dimension}")


def _model(spec: ModelSpec, weights: Path) -> Path | bytes:
    """The file as it is, or what is made of its weights for a run by rows: 0.3 s, the same bytes each time."""
    if spec.rows is None:
        return weights
    # Imported on use: only these models need the onnx package.
    from headwater_inference.bert import read_bert  # noqa: PLC0415
    from headwater_inference.graph import bert_graph  # noqa: PLC0415
    from headwater_inference.rows import RowProducts  # noqa: PLC0415

    products = RowProducts(spec.dimension, spec.rows.outliers)
    return bert_graph(read_bert(weights), spec.rows.heads, products, first_only=spec.pooling == "cls")
