"""ONNX Runtime, set up for many small runs side by side.

One session whose runs use one thread each, called from several threads: as
fast as a session a thread (measured: 7.5k and 7.5k tokens/s on two cores), at
half the memory, because the weights are there once.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from headwater_kit.core.errors import Misconfigured
from numpy.typing import NDArray

from headwater_inference.cpu import can_overflow
from headwater_inference.device import Device, check_device, providers
from headwater_inference.heap import keep_freed_memory

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

MakeSession = Callable[..., "onnxruntime.InferenceSession"]


def open_session(
    weights: Path | bytes, device: Device = Device.CPU, make: MakeSession | None = None
) -> "onnxruntime.InferenceSession":
    """Loads a model, from a file or as it is in memory; takes up to a second.

    `make` stands in for ONNX Runtime's own session.

    Raises Misconfigured where they cannot be loaded, or a GPU is required and not there.
    """
    # Imported on use: whoever needs only this package's tokenizer must not pay for the runtime.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Cores are shared with six other services; a spinning thread takes them away.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    exact = can_overflow()
    if exact:
        # Weights as unsigned bytes: slower kernels, whose sums do not overflow.
        options.add_session_config_entry("session.x64quantprecision", "1")
    logger.info("int8 products", extra={"kernels": "u8u8, for want of VNNI" if exact else "u8s8, by VNNI or the like"})
    # The arena keeps the largest buffer of every shape it has seen; with texts of
    # every length that grew to gigabytes. The speed is the same without, as long as the heap keeps its pages.
    keep_freed_memory()
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    wanted = providers(device, onnxruntime.get_available_providers())
    if device is not Device.CPU:
        onnxruntime.preload_dlls()  # CUDA's libraries, where pip put them; without this they are not looked for there
    try:
        model = weights if isinstance(weights, bytes) else str(weights)
        session = (make or onnxruntime.InferenceSession)(model, options, providers=wanted)
    except Exception as error:  # the binding's errors share no base
        what = "the model" if isinstance(weights, bytes) else weights
        raise Misconfigured(f"{what} cannot be loaded: {error}") from error
    check_device(device, session.get_providers())
    return session


def token_inputs(ids: NDArray[np.int64]) -> Mapping[str, NDArray[np.int64]]:
    """The inputs of a BERT-like graph for token ids of shape (texts, tokens), none of them padding."""
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
