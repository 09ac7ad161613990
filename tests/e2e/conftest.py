"""The whole platform, started once by the command itself: real broker, real store, all seven services.

Tests share it; each keeps to a tenant of its own, so that none sees another's documents.
"""

import uuid
from collections.abc import Iterator

import pytest
from e2e.laptop import Laptop
from e2e.records import Records
from headwater_client import Client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of the session waits for the start of everything."""
    for item in items:
        if item.path.parent.name == "e2e":
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A running platform."""
    with Laptop(tmp_path_factory.mktemp("laptop")) as platform:
        platform.up()
        yield platform


@pytest.fixture(scope="session")
def records(laptop: Laptop) -> Records:
    """Its broker, for a bare client."""
    return Records(laptop.bootstrap)


@pytest.fixture
def tenant() -> str:
    """A tenant of the test's own."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def client(laptop: Laptop, tenant: str) -> Iterator[Client]:
    """A caller in that tenant."""
    with laptop.client(tenant) as client:
        yield client
