"""What a record weighs against its topic's limit."""

from headwater_kit.bus.ports import Outbound
from headwater_kit.bus.topics import Topic
from headwater_kit.core.errors import InvalidInput

# A generous bound of a record's and its batch's envelope in Kafka's format (61 bytes and about 20).
ENVELOPE_BYTES = 128
# Lengths of a header's name and value, as varints.
HEADER_BYTES = 10


def size_bytes(record: Outbound) -> int:
    """An upper bound of the record's size on the wire, uncompressed."""
    headers = sum(len(name.encode()) + len(value) + HEADER_BYTES for name, value in record.headers.items())
    return len(record.key or b"") + len(record.value or b"") + headers + ENVELOPE_BYTES


def check_size(record: Outbound, topic: Topic) -> None:
    """Raises InvalidInput (TOO_LARGE) if the topic would refuse the record."""
    size = size_bytes(record)
    if size > topic.max_message_bytes:
        raise InvalidInput(
            f"the record has {size} bytes, {topic.name} takes {topic.max_message_bytes}",
            field="value",
            reason="TOO_LARGE",
        )
