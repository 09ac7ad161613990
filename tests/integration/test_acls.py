"""The table of rights against a broker that denies by default: enough for each user, and nothing beside."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from headwater_kit.bus.acls import USERS
from integration.attempts import Attempt, attempts
from integration.secured import Secured, secured_broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as secured:
        yield secured


@pytest.fixture(scope="module")
def tried(broker: Secured) -> list[Attempt]:
    with ThreadPoolExecutor(len(USERS)) as pool:
        found = pool.map(lambda user: list(attempts(user, broker.by_scram(user))), USERS)
        return [attempt for each in found for attempt in each]


def test_each_user_may_do_what_the_table_says_and_nothing_else(tried: list[Attempt]) -> None:
    assert [attempt for attempt in tried if not attempt.is_as_said] == []
    counts = Counter((attempt.user, attempt.is_allowed) for attempt in tried)
    for user in USERS:
        print(f"{user:10} allowed {counts[user, True]:4}, refused {counts[user, False]:4}")
