"""Where a model runs: on the CPU or on a GPU, asked for and then checked."""

import logging
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from headwater_kit.core.errors import Misconfigured

logger = logging.getLogger(__name__)

CPU_PROVIDER = "CPUExecutionProvider"
CUDA_PROVIDER = "CUDAExecutionProvider"
# TF32 rounds the factors of a product to 10 bits: a text's vector would be another on a GPU than on a CPU.
CUDA_OPTIONS = {"use_tf32": "0"}
REMEDY = "install onnxruntime-gpu and a CUDA driver (docs/models.md), or set HEADWATER_DEVICE=cpu"


class Device(StrEnum):
    """What a model is to run on: `auto` takes a GPU where there is one."""

    CPU = "cpu"
    CUDA = "cuda"
    AUTO = "auto"


def providers(device: Device, available: Sequence[str]) -> list[str | tuple[str, dict[str, Any]]]:
    """What to ask of ONNX Runtime, most wanted first. Raises Misconfigured where a GPU is required and not built in."""
    if device is Device.CPU:
        return [CPU_PROVIDER]
    if CUDA_PROVIDER in available:
        return [(CUDA_PROVIDER, CUDA_OPTIONS), CPU_PROVIDER]
    if device is Device.CUDA:
        raise Misconfigured(f"a GPU is required, and this ONNX Runtime is built without one: {REMEDY}")
    return [CPU_PROVIDER]


def check_device(device: Device, got: Sequence[str]) -> None:
    """Whether the session runs on what was asked for: where no driver is, ONNX Runtime takes the CPU and goes on.

    Raises Misconfigured where a GPU is required and not used; what `auto` came to is logged.
    """
    on_gpu = CUDA_PROVIDER in got
    if device is Device.CUDA and not on_gpu:
        raise Misconfigured(f"a GPU is required, and ONNX Runtime runs on {', '.join(got)} alone: {REMEDY}")
    if device is Device.AUTO:
        logger.info("the model runs on the %s", "GPU" if on_gpu else "CPU: there is no GPU to be had")
