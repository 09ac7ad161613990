"""Engines shared by all integration tests: the real ones, started once a session on free ports."""

from collections.abc import Iterator

import pytest
from headwater_cli.platform import engines
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.lifecycle import running
from headwater_cli.platform.ports import PortLeases
from headwater_cli.settings import PlatformSettings, inherited
from hypothesis import settings

# How long an example takes says how busy the machine is, not whether the property holds.
settings.register_profile("headwater", deadline=None)
settings.load_profile("headwater")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where workers run side by side, a file is one worker's, and all who share the whole platform are."""
    for item in items:
        shares_platform = "laptop" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("laptop" if shares_platform else str(item.path)))


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
