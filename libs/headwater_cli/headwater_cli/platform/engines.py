"""The two engines made ready to run: broker and store."""

from pathlib import Path

from headwater_cli.platform import jars, kafka, milvus
from headwater_cli.platform.java import find_java
from headwater_cli.platform.layout import Layout, cache_dir
from headwater_cli.platform.ports import PortLeases
from headwater_cli.platform.process import Program


def jar_cache() -> Path:
    """The Maven repository that holds the broker's jars."""
    return cache_dir() / "jars"


def broker(
    layout: Layout, leases: PortLeases, java_home: Path | None, progress: jars.Progress = jars.silent
) -> Program:
    """Kafka on the layout's folder. Fetches its jars if need be; blocks meanwhile.

    Raises Misconfigured or Unavailable when Java or the jars cannot be had.
    """
    java = find_java(java_home)
    paths = jars.resolve(jar_cache(), jars.locked(), progress)
    node = kafka.KafkaNode(
        directory=layout.data("kafka"),
        port=leases.pick(kafka.USUAL_PORT),
        controller_port=leases.pick(kafka.USUAL_CONTROLLER_PORT),
        log=layout.log("kafka"),
    )
    return kafka.kafka_program(node, java, paths)


def store(layout: Layout, leases: PortLeases) -> Program:
    """Milvus Lite on the layout's folder."""
    return milvus.milvus_program(layout.data("milvus"), leases.pick(milvus.USUAL_PORT), layout.log("milvus"))
