import pytest
from headwater_kit.bus.kafka.declared import differing, how_to_alter, settings_of
from headwater_kit.bus.topics import CHUNKS, DOCUMENTS, TOPICS, Topic


@pytest.mark.parametrize("topic", TOPICS.values(), ids=str)
def test_a_topic_as_created_is_as_declared(topic: Topic) -> None:
    assert differing(topic, settings_of(topic)) == {}


def test_what_is_promised_must_be_as_declared_and_the_rest_may_differ() -> None:
    found = {**settings_of(CHUNKS), "cleanup.policy": "delete", "retention.ms": "1", "min.insync.replicas": "2"}
    assert differing(CHUNKS, found) == {"cleanup.policy": "compact"}


def test_the_command_names_the_topic_and_each_setting() -> None:
    wrong = differing(DOCUMENTS, {"cleanup.policy": "compact", "max.message.bytes": "1"})
    command = how_to_alter(DOCUMENTS, wrong)
    assert "--entity-name documents.v1 " in command
    assert command.endswith(f"cleanup.policy=delete,max.message.bytes={DOCUMENTS.max_message_bytes}")
