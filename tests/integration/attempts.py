"""Everything that a user of the broker may try, tried for real, and what became of it."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic
from headwater_kit.bus.acls import USERS, Operation
from headwater_kit.bus.kafka import config
from headwater_kit.bus.topics import GROUPS, READER_GROUP, TOPICS
from headwater_kit.settings import ServiceSettings

SECONDS = 15.0
REFUSED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}
ALL_GROUPS = (*GROUPS, *(group for rights in USERS.values() for group in rights.joins if group not in GROUPS))
# Of no use to anybody here, and so nobody's to do.
STRANGE = "not.headwaters.v1"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One thing tried: whose right it is by the table, and whether it was refused."""

    user: str
    what: str
    name: str
    is_allowed: bool
    is_refused: bool

    @property
    def is_as_said(self) -> bool:
        return self.is_allowed is not self.is_refused


def attempts(user: str, settings: ServiceSettings) -> Iterable[Attempt]:
    """All of one user's. Raises what is neither a success nor a refusal."""
    rights, connection = USERS[user], config.KafkaConfig(settings.kafka_client_config())
    tried: Mapping[str, tuple[Mapping[str, bool], frozenset[str]]] = {
        "write": (_written(connection), rights.topics(Operation.WRITE)),
        "read": (_read(connection), rights.topics(Operation.READ)),
        "ask": (_asked(connection), rights.topics(Operation.DESCRIBE)),
        "join": (_joined(connection), rights.groups(Operation.READ)),
        "create": (_created(connection), rights.topics(Operation.CREATE)),
        "alter": (_altered(connection), frozenset()),
    }
    for what, (outcomes, allowed) in tried.items():
        for name, is_refused in outcomes.items():
            yield Attempt(user, what, name, name in allowed, is_refused)


def _written(connection: config.KafkaConfig) -> Mapping[str, bool]:
    """A record for each topic, by the services' own idempotent producer."""
    found: dict[str, bool] = {}

    def told(error: KafkaError | None, message: Message) -> None:
        if error is not None and error.code() not in REFUSED:
            raise KafkaException(error)
        found[message.topic() or ""] = error is not None

    producer = Producer({**config.producer_config(connection), "log_level": 0})
    for topic in TOPICS:
        producer.produce(topic, b"{}", b"key", on_delivery=told)
    assert producer.flush(SECONDS) == 0
    return found


def _read(connection: config.KafkaConfig) -> Mapping[str, bool]:
    """Each topic by the services' own reader; one that may not be seen is refused before it is read."""
    consumer = Consumer({**config.reader_config(connection), "log_level": 0})
    try:
        found = {topic: True for topic in TOPICS if _is_hidden(consumer, topic)}
        consumer.assign([TopicPartition(topic, 0, 0) for topic in TOPICS if topic not in found])
        end = time.monotonic() + SECONDS
        while len(found) < len(TOPICS):
            assert time.monotonic() < end, f"nothing was heard of {set(TOPICS) - set(found)}"
            if (message := consumer.poll(0.2)) is not None:
                error = message.error()
                if error is not None and error.code() not in {*REFUSED, KafkaError._PARTITION_EOF}:
                    raise KafkaException(error)
                found.setdefault(message.topic() or "", error is not None and error.code() in REFUSED)
        return found
    finally:
        consumer.close()


def _is_hidden(consumer: Consumer, topic: str) -> bool:
    error = consumer.list_topics(topic, timeout=SECONDS).topics[topic].error
    assert error is None or error.code() in REFUSED, error
    return error is not None


def _asked(connection: config.KafkaConfig) -> Mapping[str, bool]:
    admin = AdminClient({**config.admin_config(connection), "log_level": 0})
    seen = set(admin.list_topics(timeout=SECONDS).topics)
    return {topic: topic not in seen for topic in TOPICS}


def _joined(connection: config.KafkaConfig) -> Mapping[str, bool]:
    return {group: _is_refused_group(connection, group) for group in (*ALL_GROUPS, READER_GROUP)}


def _is_refused_group(connection: config.KafkaConfig, group: str) -> bool:
    consumer = Consumer({**config.group_config(connection, group), "log_level": 0})
    topics = [topic.name for topic in GROUPS.get(group, ())] or ["answers.v1"]
    try:
        consumer.subscribe(topics)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            message = consumer.poll(0.1)
            error = message.error() if message is not None else None
            if error is not None and error.code() in REFUSED:
                return True
            if consumer.assignment():
                return False
        raise TimeoutError(f"neither let into {group} nor refused")
    finally:
        consumer.close()


def _created(connection: config.KafkaConfig) -> Mapping[str, bool]:
    admin = AdminClient({**config.admin_config(connection), "log_level": 0})
    wanted = [NewTopic(name, 1, 1) for name in (STRANGE, *TOPICS)]
    done = admin.create_topics(wanted, request_timeout=SECONDS, validate_only=True)
    return {name: _is_refused(future, KafkaError.TOPIC_ALREADY_EXISTS) for name, future in done.items()}


def _altered(connection: config.KafkaConfig) -> Mapping[str, bool]:
    admin = AdminClient({**config.admin_config(connection), "log_level": 0})
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=[entry]) for name in TOPICS]
    done = admin.incremental_alter_configs(resources, validate_only=True, request_timeout=SECONDS)
    altered = {resource.name: _is_refused(future) for resource, future in done.items()}
    deleted = admin.delete_topics([STRANGE, *TOPICS], request_timeout=SECONDS)
    return altered | {f"delete {name}": _is_refused(future) for name, future in deleted.items()}


def _is_refused(future: object, *fine: int) -> bool:
    try:
        future.result(SECONDS)  # type: ignore[attr-defined]
    except KafkaException as error:
        code = error.args[0].code()
        if code in REFUSED:
            return True
        # A topic that one may not see is said not to be there.
        if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return True
        if code in fine:
            return False
        raise
    return False
