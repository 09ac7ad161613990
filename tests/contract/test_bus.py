"""Both buses keep the same promises."""

import pytest
from headwater_kit.bus.kafka import KafkaBus, KafkaConfig
from headwater_kit.bus.memory import MemoryBus
from headwater_kit.testing.bus_contract import BusContract


class TestMemoryBus(BusContract):
    @pytest.fixture
    def bus(self) -> MemoryBus:
        return MemoryBus()


class TestKafkaBus(BusContract):
    """With cooperative-sticky assignment."""

    @pytest.fixture
    def bus(self, kafka_bootstrap: str) -> KafkaBus:
        return KafkaBus(KafkaConfig({"bootstrap.servers": kafka_bootstrap}))


class TestKafkaBusConsumerProtocol(BusContract):
    """With the group protocol of KIP-848."""

    @pytest.fixture
    def bus(self, kafka_bootstrap: str) -> KafkaBus:
        return KafkaBus(KafkaConfig({"bootstrap.servers": kafka_bootstrap}, group_protocol="consumer"))
