"""The broker as the platform starts it."""

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic


def test_the_broker_takes_a_record_of_64_mib(kafka_bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    limit = 66 * 1024 * 1024
    topic = NewTopic("engines.large", 1, 1, config={"max.message.bytes": str(limit)})
    admin.create_topics([topic])["engines.large"].result(10)
    producer = Producer({"bootstrap.servers": kafka_bootstrap, "message.max.bytes": limit})
    errors = []
    producer.produce(
        "engines.large", b"x" * (65 * 1024 * 1024), on_delivery=lambda error, message: errors.append(error)
    )
    assert producer.flush(30) == 0
    assert errors == [None]
