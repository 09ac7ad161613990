"""What a topic's declaration says in Kafka's words, and where a topic says something else."""

from collections.abc import Mapping

from headwater_kit.bus.topics import Topic

# Others, such as how long records are kept, are an operator's to choose.
PROMISED = ("cleanup.policy", "max.message.bytes", "min.compaction.lag.ms")


def settings_of(topic: Topic) -> dict[str, str]:
    """The settings that the topic is created with."""
    return {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "retention.ms": str(topic.retention_ms),
        # A reader that was away must still learn of deletions.
        "delete.retention.ms": str(topic.retention_ms),
        "min.compaction.lag.ms": str(topic.uncompacted_ms),
        "max.message.bytes": str(topic.max_message_bytes),
    }


def differing(topic: Topic, found: Mapping[str, str]) -> dict[str, str]:
    """The settings that what is promised rests on and that the topic has otherwise, as declared."""
    declared = settings_of(topic)
    return {name: declared[name] for name in PROMISED if name in found and found[name] != declared[name]}


def how_to_alter(topic: Topic, settings: Mapping[str, str]) -> str:
    """The command that makes the topic as declared."""
    wanted = ",".join(f"{name}={value}" for name, value in settings.items())
    return (
        "kafka-configs.sh --bootstrap-server <broker> --alter --entity-type topics "
        f"--entity-name {topic.name} --add-config {wanted}"
    )
