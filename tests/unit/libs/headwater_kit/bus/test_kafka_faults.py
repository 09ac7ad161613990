from pathlib import Path

import pytest
from confluent_kafka import KafkaError
from headwater_kit.bus.kafka import KafkaBus, KafkaConfig
from headwater_kit.bus.kafka.faults import to_send_error
from headwater_kit.bus.topics import CHUNKS
from headwater_kit.core.errors import InvalidInput, Misconfigured, Unavailable


@pytest.mark.parametrize("code", [KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE])
def test_a_topic_that_takes_less_than_declared_is_at_fault_and_not_the_record(code: int) -> None:
    error = to_send_error(KafkaError(code), CHUNKS.name)
    assert isinstance(error, Unavailable)
    assert f"--entity-name {CHUNKS.name} --add-config max.message.bytes={CHUNKS.max_message_bytes}" in error.message


def test_of_a_topic_that_is_not_declared_nothing_better_is_known() -> None:
    error = to_send_error(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), "elsewhere")
    assert isinstance(error, InvalidInput)
    assert error.reason == "TOO_LARGE"


async def test_settings_that_the_client_refuses_are_an_operators_to_change(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere.pem")
    config = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "ssl", "ssl.ca.location": nowhere}
    with pytest.raises(Misconfigured, match=r"ssl\.ca\.location"):
        await KafkaBus(KafkaConfig(config)).create_topics([CHUNKS.name])
