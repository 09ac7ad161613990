"""Engines shared by all integration tests: the real ones, started once a session on free ports."""

from collections.abc import Iterator
from typing import Any

import pytest
from headwater_cli.platform import engines
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import running
from headwater_cli.platform.ports import PortLeases
from headwater_cli.settings import PlatformSettings, inherited
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# How long an example takes says how busy the machine is, not whether the property holds.
settings.register_profile("headwater", deadline=None)
settings.load_profile("headwater")


class SharedEngines(LoadFileScheduling):
    """With `--dist loadfile` a file is one worker's, and all files that share the whole platform are."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        has_its_own = file.endswith("test_restart.py")
        return "tests/e2e" if file.startswith("tests/e2e/") and not has_its_own else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedEngines | None:
    """Tells xdist of it. Marks with `loadgroup` would do, but pytest 9.2 does not see what xdist 3.8 makes of them."""
    return SharedEngines(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Apache Kafka, as host:port. Topics are the test's own affair: name them apart or create them once."""
    leases = PortLeases()
    program = engines.broker(Layout(tmp_path_factory.mktemp("broker")), leases, PlatformSettings().java_home)
    with running(program, inherited()) as address:
        yield address
    leases.release()


@pytest.fixture(scope="session")
def milvus_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Milvus Lite, as http://host:port. Collections are the test's own affair: name them apart."""
    leases = PortLeases()
    program = engines.store(Layout(tmp_path_factory.mktemp("store")), leases)
    with running(program, inherited()) as address:
        yield f"http://{address}"
    leases.release()
