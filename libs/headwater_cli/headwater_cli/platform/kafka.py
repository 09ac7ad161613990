"""Apache Kafka as one process: a KRaft node that is broker and controller, on loopback."""

import asyncio
import base64
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from headwater_kit.bus.topics import MAX_DEAD_LETTER_BYTES, PARTITIONS
from headwater_kit.core.errors import Unavailable

from headwater_cli.platform.java import Java
from headwater_cli.platform.ports import HOST
from headwater_cli.platform.probes import connects
from headwater_cli.platform.process import Program

USUAL_PORT = 9092
USUAL_CONTROLLER_PORT = 9093
_FORMAT_SECONDS = 60.0
_PING_SECONDS = 5.0
_MEBIBYTE = 1024 * 1024
# Half a gigabyte carries the platform's load with the serial collector, whose
# threads and tables are small; C1 alone halves the start (measured).
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-Xms128m", "-XX:+ExitOnOutOfMemoryError")
# The largest record and its batch's header.
_MAX_MESSAGE_BYTES = MAX_DEAD_LETTER_BYTES + _MEBIBYTE

_SETTINGS: dict[str, str | int] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "num.partitions": PARTITIONS,
    "default.replication.factor": 1,
    "auto.create.topics.enable": "false",
    # Kafka's own topics: one copy, on one node; fewer partitions than for a
    # cluster's thousands of groups, because each one costs files and start time.
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": PARTITIONS,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": PARTITIONS,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": PARTITIONS,
    # The controller takes a broker that was killed for alive, and refuses its successor, until it misses
    # its heartbeats: with the defaults, 9 s and 2 s, a restart of 2 s took 12 (measured). Long enough for a
    # busy machine all the same.
    "broker.session.timeout.ms": 2_000,
    "broker.heartbeat.interval.ms": 250,
    # A group of one need not wait for others to join.
    "group.initial.rebalance.delay.ms": 0,
    # Members learn of each other by heartbeat, and one that was killed should
    # be missed soon; the defaults, 5 s and 45 s, are for a cluster's thousands.
    "group.consumer.heartbeat.interval.ms": 1_000,
    "group.consumer.min.heartbeat.interval.ms": 1_000,
    "group.consumer.session.timeout.ms": 10_000,
    "group.consumer.min.session.timeout.ms": 6_000,
    # A laptop may stay shut for longer than Kafka's week; groups must not
    # start over when it opens again.
    "offsets.retention.minutes": 365 * 24 * 60,
    "message.max.bytes": _MAX_MESSAGE_BYTES,
    "replica.fetch.max.bytes": _MAX_MESSAGE_BYTES,
    "log.segment.bytes": 128 * _MEBIBYTE,
    # Sparse files on disk, but mapped memory, for each of about 150 partitions.
    "log.index.size.max.bytes": _MEBIBYTE,
    # Its default alone is a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": 16 * _MEBIBYTE,
    "num.network.threads": 2,
    "num.io.threads": 4,
}


@dataclass(frozen=True, slots=True)
class KafkaNode:
    """Where the node keeps its data and which ports it takes; `more` are settings of Kafka's that go before its own."""

    directory: Path
    port: int
    controller_port: int
    log: Path
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def bootstrap(self) -> str:
        """Where clients connect, as `host:port`."""
        return f"{HOST}:{self.port}"


def kafka_program(node: KafkaNode, java: Java, jars: Sequence[Path]) -> Program:
    """Writes the node's settings, formats its folder the first time, and says how to run it.

    Blocks for about half a second the first time. Raises Unavailable when the
    folder cannot be formatted.
    """
    settings = _write_settings(node)
    base = (str(java.executable), *_JVM, "-cp", _class_path(jars))
    if not (node.directory / "log" / "meta.properties").exists():
        _format(node, base, settings)
    with as_file(files("headwater_cli.platform").joinpath("log4j2.properties")) as logging:
        argv = (*base, f"-Dlog4j2.configurationFile={logging}", "kafka.Kafka", str(settings))
    return Program("kafka", argv, node.bootstrap, node.log, ready=partial(answers, node.bootstrap))


async def answers(bootstrap: str) -> None:
    """Returns if a broker without security answers there; raises Unavailable if not."""
    # Connected to too early, librdkafka backs off for longer than the broker takes.
    await connects(bootstrap)
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        await asyncio.to_thread(admin.list_topics, timeout=_PING_SECONDS)
    except KafkaException as error:
        raise Unavailable(f"the broker at {bootstrap} does not answer") from error


def _class_path(jars: Sequence[Path]) -> str:
    return ":".join(map(str, jars))


def _write_settings(node: KafkaNode) -> Path:
    node.directory.mkdir(parents=True, exist_ok=True)
    here = {
        "listeners": f"PLAINTEXT://{node.bootstrap},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{node.bootstrap}",
        # Voters by setting, not by the dynamic quorum, whose stored address
        # would hold the node to the ports of its first start.
        "controller.quorum.voters": f"1@{HOST}:{node.controller_port}",
        "log.dirs": node.directory / "log",
    }
    path = node.directory / "server.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in {**_SETTINGS, **here, **node.more}.items()))
    return path


def _format(node: KafkaNode, java: Sequence[str], settings: Path) -> None:
    # A hyphen in front would read as an option.
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "h")
    command = [*java, "kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(settings)]
    node.log.parent.mkdir(parents=True, exist_ok=True)
    with node.log.open("ab") as log:
        try:
            subprocess.run(command, stdout=log, stderr=log, timeout=_FORMAT_SECONDS, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"Kafka could not format {node.directory}: see {node.log}") from error
