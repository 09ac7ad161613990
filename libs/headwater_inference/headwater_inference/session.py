"""ONNX Runtime, set up for many small runs side by side.

One session whose runs use one thread each, called from several threads: as
fast as a session a thread (measured: 7.5k and 7.5k tokens/s on two cores), at
half the memory, because the weights are there once.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from headwater_kit.core.errors import Misconfigured
from numpy.typing import NDArray

from headwater_inference.device import Device, check_device, providers

if TYPE_CHECKING:
    import onnxruntime  # type: ignore[import-untyped]

MakeSession = Callable[..., "onnxruntime.InferenceSession"]


def open_session(
    weights: Path, device: Device = Device.CPU, make: MakeSession | None = None
) -> "onnxruntime.InferenceSession":
    """Loads weights; takes up to a second. `make` stands in for ONNX Runtime's own session.

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
    # The arena keeps the largest buffer of every shape it has seen; with texts of
    # every length that grew to gigabytes. The speed is the same without.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    wanted = providers(device, onnxruntime.get_available_providers())
    if device is not Device.CPU:
        onnxruntime.preload_dlls()  # CUDA's libraries, where pip put them; without this they are not looked for there
    try:
        session = (make or onnxruntime.InferenceSession)(str(weights), options, providers=wanted)
    except Exception as error:  # the binding's errors share no base
        raise Misconfigured(f"{weights} cannot be loaded: {error}") from error
    check_device(device, session.get_providers())
    return session


def token_inputs(ids: NDArray[np.int64]) -> Mapping[str, NDArray[np.int64]]:
    """The inputs of a BERT-like graph for token ids of shape (texts, tokens), none of them padding."""
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
