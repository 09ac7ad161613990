"""Settings in librdkafka's words.

Source of the names: librdkafka's CONFIGURATION.md, version 2.16.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from headwater_kit.bus.topics import MAX_DEAD_LETTER_BYTES, READER_GROUP

Config = dict[str, str | int | float | bool]

# The largest record with its key, headers and envelope.
MAX_MESSAGE_BYTES = MAX_DEAD_LETTER_BYTES + 1024 * 1024
# A broker that is silent for this long is asked again on another connection; the default is a minute. What was on
# its way when a network broke is sent again after this at the latest.
SOCKET_TIMEOUT_MS = 5_000
# A member that was killed is missed after this; the default of 45 s leaves its partitions alone for too long.
SESSION_TIMEOUT_MS = 10_000
# Members learn of a rebalance by their heartbeats.
HEARTBEAT_INTERVAL_MS = 1_000
# Less than a session after the last heartbeat, which may be an interval older than the last poll, and with time to
# spare. Brokers of KIP-848 have a session of their own, 45 s by default: it must not be under 8 s.
LEASE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """How to reach the brokers and how to be a member of a group.

    `connection` holds librdkafka's own properties: `bootstrap.servers` at least,
    and those of TLS and SASL. `group_protocol` "classic" is cooperative-sticky (round robin where static),
    "consumer" is that of KIP-848. `group_instance_id`, where set, makes the
    membership static: a restarted member gets its partitions back at once.
    """

    connection: Mapping[str, str]
    client_id: str = "headwater"
    group_protocol: Literal["classic", "consumer"] = "classic"
    group_instance_id: str = ""


def admin_config(config: KafkaConfig) -> Config:
    """Properties of the admin client, and the base of all others."""
    return {
        **config.connection,
        "client.id": config.client_id,
        "socket.timeout.ms": SOCKET_TIMEOUT_MS,
        # Back within a second of the broker, and not sooner than it can bear.
        "reconnect.backoff.max.ms": 1000,
        "log.connection.close": False,
    }


def producer_config(config: KafkaConfig, linger_ms: int = 0) -> Config:
    """Properties of an idempotent producer that keeps order whatever happens."""
    return {
        **admin_config(config),
        "enable.idempotence": True,
        "acks": "all",
        # With more, a request that a starting broker refused can be overtaken by the next one, and librdkafka then
        # takes it for acknowledged (`rd_kafka_dr_implicit_ack`). What waits goes out together in the next anyway.
        "max.in.flight.requests.per.connection": 1,
        # A record that is given up can be overtaken by the one after it. So none
        # is: it is sent again for as long as the process lives.
        "message.timeout.ms": 0,
        # A topic that is not there after this is not coming.
        "topic.metadata.propagation.max.ms": 10_000,
        "partitioner": "murmur2_random",
        # Measured: waiting for company costs its time on every send and wins no throughput, since what
        # comes while a request is under way goes out together anyway. It spares the broker requests, though,
        # where nobody waits.
        "linger.ms": linger_ms,
        "compression.type": "lz4",
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "queue.buffering.max.messages": 20_000,
        "queue.buffering.max.kbytes": 256 * 1024,
    }


def group_config(config: KafkaConfig, group: str) -> Config:
    """Properties of a group's member."""
    properties: Config = {
        **_reading(config),
        "group.id": group,
        "group.protocol": config.group_protocol,
        # A partition that is resumed is asked for when the fetch under way returns; an empty one
        # takes this long. The default of 500 ms made a fast handler wait most of its time (measured).
        "fetch.wait.max.ms": 100,
    }
    if config.group_protocol == "classic":
        # A cooperative rebalance takes two rounds. A static member that restarts between them gets back what it had
        # and starts no second one, so that what was on its way to another stays with nobody (seen): one round then.
        properties["partition.assignment.strategy"] = "roundrobin" if config.group_instance_id else "cooperative-sticky"
        properties["session.timeout.ms"] = SESSION_TIMEOUT_MS
        properties["heartbeat.interval.ms"] = HEARTBEAT_INTERVAL_MS
    if config.group_instance_id:
        properties["group.instance.id"] = config.group_instance_id
    return properties


def reader_config(config: KafkaConfig) -> Config:
    """Properties of a consumer outside any group."""
    return {**_reading(config), "group.id": READER_GROUP, "enable.partition.eof": True}


def _reading(config: KafkaConfig) -> Config:
    return {
        **admin_config(config),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        # Fetched ahead of the polls, in memory; one larger record still comes through.
        "queued.max.messages.kbytes": 16 * 1024,
        "fetch.message.max.bytes": 4 * 1024 * 1024,
        # How soon to fetch again after that room was full, or after an error; the defaults stall for 0.5 to 1 s.
        "fetch.queue.backoff.ms": 20,
        "fetch.error.backoff.ms": 100,
    }
