"""What all simulations need: no threads, no ports, no logs."""

import logging
from collections.abc import Iterator

import pytest
from chaos.memory.services import in_one_process


@pytest.fixture(autouse=True, scope="module")
def _in_one_process() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    with in_one_process():
        yield
    logging.disable(logging.NOTSET)
