"""Kafka's errors in the project's words."""

from confluent_kafka import KafkaError, KafkaException

from headwater_kit.bus.kafka.declared import how_to_alter, settings_of
from headwater_kit.bus.topics import TOPICS
from headwater_kit.core.errors import Denied, HeadwaterError, InvalidInput, Misconfigured, Unavailable

_DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
}
_TOO_LARGE = {KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG_SIZE, KafkaError.RECORD_LIST_TOO_LARGE}
LIMIT = "max.message.bytes"
# What only an operator can change.
_MISCONFIGURED = {
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 (librdkafka's own codes begin with an underscore)
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    # A setting that the client refuses, such as an authority that is not there.
    KafkaError._INVALID_ARG,  # noqa: SLF001
    KafkaError.TOPIC_EXCEPTION,
    KafkaError.INVALID_CONFIG,
    KafkaError.POLICY_VIOLATION,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.UNSUPPORTED_VERSION,
}


# A static member whose name another process uses, just restarted or not yet missed; or a group whose last members
# spoke the other protocol and are not yet missed. The client calls all of them fatal and tells which only by its text.
_FENCES = [
    KafkaError(code).str()
    for code in (KafkaError.FENCED_INSTANCE_ID, KafkaError.UNRELEASED_INSTANCE_ID, KafkaError.GROUP_ID_NOT_FOUND)
]


def is_fence(error: KafkaError) -> bool:
    """Whether a group does not take this member, and may take it when it joins anew."""
    return error.code() == KafkaError._FATAL and any(text in error.str() for text in _FENCES)  # noqa: SLF001


def to_send_error(error: KafkaError | KafkaException, topic: str) -> HeadwaterError:
    """As `to_error`, of a record for `topic`: unlike a read, a write cannot wait for a topic to be made."""
    fault = error.args[0] if isinstance(error, KafkaException) else error
    if fault.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return Misconfigured(f"topic {topic} is not there: create it, or start its service first")
    if fault.code() in _TOO_LARGE and topic in TOPICS:
        # No fault of the record's: one over the declared limit never comes as far as the broker (`bus.sizes`).
        return Unavailable(_takes_too_little(topic))
    return to_error(error, f"producing to {topic}")


def to_error(error: KafkaError | KafkaException, doing: str, why: str = "") -> HeadwaterError:
    """The error to raise when Kafka refused `doing`, `why` is what more is known; Unavailable as a last resort."""
    fault = error.args[0] if isinstance(error, KafkaException) else error
    message = f"{doing}: {fault.str()} ({fault.name()}){why}"
    if fault.code() in _DENIED:
        return Denied(message)
    if fault.code() == KafkaError.INVALID_RECORD:
        # As one without a key on a compacted topic.
        return InvalidInput(message, field="key", reason="INVALID_RECORD")
    if fault.code() in _TOO_LARGE:
        return InvalidInput(message, field="value", reason="TOO_LARGE")
    if fault.code() in _MISCONFIGURED:
        return Misconfigured(message)
    return Unavailable(message)


def _takes_too_little(topic: str) -> str:
    declared = TOPICS[topic]
    mended = how_to_alter(declared, {LIMIT: settings_of(declared)[LIMIT]})
    return f"topic {topic} takes smaller records than declared; mend it: {mended}"
