import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from headwater_inference.device import CPU_PROVIDER, CUDA_PROVIDER, Device, check_device, providers
from headwater_inference.session import open_session, token_inputs
from headwater_kit.core.errors import Misconfigured
from unit.libs.headwater_inference.tiny_model import DIMENSION, onnx_bytes

CPU_BUILD = ["AzureExecutionProvider", CPU_PROVIDER]
GPU_BUILD = [CUDA_PROVIDER, CPU_PROVIDER]


class Session:
    """What ONNX Runtime would give, on a machine of the test's own making."""

    def __init__(self, got: Sequence[str]) -> None:
        self._got = got

    def get_providers(self) -> Sequence[str]:
        return self._got


def machine(got: Sequence[str], asked: list[Any]) -> Callable[..., Session]:
    def make(_path: str, _options: Any, *, providers: Any) -> Session:
        asked.append(providers)
        return Session(got)

    return make


def names(wanted: Sequence[Any]) -> list[str]:
    return [each if isinstance(each, str) else each[0] for each in wanted]


def test_the_cpu_is_asked_for_alone_whatever_there_is() -> None:
    assert providers(Device.CPU, GPU_BUILD) == [CPU_PROVIDER]


@pytest.mark.parametrize("device", [Device.CUDA, Device.AUTO])
def test_a_gpu_is_asked_for_first_and_computes_as_exactly_as_a_cpu(device: Device) -> None:
    wanted = providers(device, GPU_BUILD)
    assert names(wanted) == [CUDA_PROVIDER, CPU_PROVIDER]
    assert wanted[0] == (CUDA_PROVIDER, {"use_tf32": "0"})


def test_without_a_gpu_build_cuda_is_refused_and_auto_is_not() -> None:
    assert providers(Device.AUTO, CPU_BUILD) == [CPU_PROVIDER]
    with pytest.raises(Misconfigured, match="install onnxruntime-gpu"):
        providers(Device.CUDA, CPU_BUILD)


def test_a_gpu_build_that_fell_back_to_the_cpu_is_found_out() -> None:
    check_device(Device.CUDA, GPU_BUILD)
    with pytest.raises(Misconfigured, match="HEADWATER_DEVICE=cpu"):
        check_device(Device.CUDA, [CPU_PROVIDER])


@pytest.mark.parametrize(("got", "said"), [(GPU_BUILD, "GPU"), ([CPU_PROVIDER], "CPU")])
def test_auto_says_what_it_came_to(got: list[str], said: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        check_device(Device.AUTO, got)
    assert f"runs on the {said}" in caplog.text


def test_a_session_is_asked_for_by_the_device_and_checked(tmp_path: Path) -> None:
    asked: list[Any] = []
    open_session(tmp_path, Device.AUTO, machine([CPU_PROVIDER], asked))
    assert asked == [[CPU_PROVIDER]]
    # As a session would be that ONNX Runtime moved elsewhere.
    with pytest.raises(Misconfigured, match="a GPU is required"):
        open_session(tmp_path, Device.CUDA, machine([CPU_PROVIDER], asked))


def test_a_real_session_runs_on_the_cpu(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(onnx_bytes())
    session = open_session(tmp_path / "model.onnx", Device.AUTO)
    inputs = token_inputs(np.asarray([[0, 5, 1]], dtype=np.int64))
    (states,) = session.run(None, {name: inputs[name] for name in ("input_ids", "attention_mask")})
    assert states.shape == (1, 3, DIMENSION)
