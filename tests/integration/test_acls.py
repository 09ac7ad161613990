"""The table of rights against a broker that denies by default: enough for each user, and nothing beside.

And the ways to log in to it: by SCRAM, by OAuth and by certificate, good and bad.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from headwater_feedback.adapters.faust_credentials import credentials
from headwater_kit.bus.acls import USERS
from headwater_kit.bus.kafka import admin, from_settings
from headwater_kit.bus.topics import CREDENTIALS, GOLD, INDEXED
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.errors import Unavailable
from headwater_kit.settings import ServiceSettings
from headwater_kit.testing.certificates import Authority
from integration.attempts import Attempt, attempts
from integration.secured import Secured, secured_broker

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as secured:
        yield secured


def test_each_user_may_do_what_the_table_says_and_nothing_else(broker: Secured) -> None:
    def by(user: str) -> list[Attempt]:
        return list(attempts(user, broker.by_scram(user)))

    with ThreadPoolExecutor(len(USERS)) as pool:
        tried = [attempt for each in pool.map(by, USERS) for attempt in each]
    counts = Counter((attempt.user, attempt.is_allowed) for attempt in tried)
    for user in USERS:
        print(f"{user:10} {counts[user, True]:3} needed, allowed; {counts[user, False]:3} forbidden, refused")
    assert [attempt for attempt in tried if not attempt.is_as_said] == []
    assert all(counts[user, True] and counts[user, False] for user in USERS)


WAYS: dict[str, Callable[[Secured], ServiceSettings]] = {
    "SCRAM": lambda broker: broker.by_scram("retrieve"),
    "OAuth": lambda broker: broker.by_oauth("retrieve"),
    "a certificate": lambda broker: broker.by_certificate("retrieve"),
}


async def enter(settings: ServiceSettings, topic: str = INDEXED.name) -> None:
    bus = from_settings(settings, SystemClock())
    await bus.create_topics([topic])
    reader = bus.reader(topic)
    try:
        assert await reader.end_offsets()
        await reader.poll(1, 0.1)
    finally:
        await reader.close()


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_in(broker: Secured, way: str) -> None:
    settings = WAYS[way](broker)
    await enter(settings)
    # It is the user that the rights are of, and no other.
    with pytest.raises(Unavailable, match=r"topic gold\.v1 is not there, or not to be seen"):
        await enter(settings, GOLD.name)


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_in_of_feedbacks_own_client(broker: Secured, way: str) -> None:
    settings = WAYS[way](broker)
    given = credentials_to_aiokafka_auth(credentials(settings), None)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, **given)
    await consumer.start()
    try:
        assert await consumer.topics() >= {INDEXED.name, CREDENTIALS.name}
        assert GOLD.name not in await consumer.topics()
    finally:
        await consumer.stop()


BAD: dict[str, tuple[Callable[[Secured], ServiceSettings], str]] = {
    "a wrong password": (
        lambda broker: broker.by_scram("retrieve", "wrong"),
        "invalid credentials.*HEADWATER_KAFKA_SASL_PASSWORD",
    ),
    "a wrong client secret": (
        lambda broker: broker.by_oauth("retrieve", "wrong"),
        "OAUTHBEARER.*HEADWATER_KAFKA_OAUTH_TOKEN_URL",
    ),
    "a stranger's certificate": (
        lambda broker: broker.by_certificate("retrieve", Authority("stranger")),
        "certificate.*HEADWATER_KAFKA_TLS_CERT",
    ),
    "an expired certificate": (
        lambda broker: broker.by_certificate("retrieve", seconds=-60),
        "certificate.*HEADWATER_KAFKA_TLS_CERT",
    ),
    "an unknown authority": (
        lambda broker: broker.by_scram("retrieve").model_copy(update={"kafka_tls_ca": None}),
        "certificate verify failed.*HEADWATER_KAFKA_TLS_CA",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_what_is_wrong_is_said_in_a_line_that_names_the_setting(
    broker: Secured, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "METADATA_TIMEOUT_SECONDS", 1.5)
    settings, says = BAD[what]
    with pytest.raises(Unavailable, match=says) as caught:
        await enter(settings(broker))
    assert "\n" not in caught.value.message
    assert "secret-of-retrieve" not in caught.value.message
