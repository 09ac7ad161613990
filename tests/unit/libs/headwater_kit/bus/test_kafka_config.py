import pytest
from headwater_kit.bus.kafka.config import KafkaConfig, group_config, producer_config, reader_config

CONNECTION = {"bootstrap.servers": "a:1", "security.protocol": "sasl_ssl", "sasl.username": "u"}


@pytest.mark.parametrize("config", [producer_config, reader_config, lambda config: group_config(config, "g")])
def test_every_client_gets_the_connection(config: object) -> None:
    properties = config(KafkaConfig(CONNECTION))  # type: ignore[operator]
    assert properties.items() >= CONNECTION.items()


def test_the_producer_cannot_lose_reorder_or_double() -> None:
    properties = producer_config(KafkaConfig(CONNECTION))
    assert properties["enable.idempotence"] is True
    assert properties["acks"] == "all"
    assert properties["message.timeout.ms"] == 0
    assert properties["partitioner"] == "murmur2_random"


def test_offsets_are_committed_by_hand_alone() -> None:
    properties = group_config(KafkaConfig(CONNECTION), "g")
    assert properties["enable.auto.commit"] is False
    assert properties["enable.auto.offset.store"] is False


def test_the_protocol_of_the_brokers_takes_no_assignor() -> None:
    properties = group_config(KafkaConfig(CONNECTION, group_protocol="consumer", group_instance_id="me"), "g")
    assert "partition.assignment.strategy" not in properties
    assert "session.timeout.ms" not in properties
    assert properties["group.instance.id"] == "me"


def test_records_that_may_wait_for_company_do() -> None:
    assert producer_config(KafkaConfig(CONNECTION))["linger.ms"] == 0
    assert producer_config(KafkaConfig(CONNECTION), linger_ms=250)["linger.ms"] == 250
