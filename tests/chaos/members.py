"""Members that join a group, are given partitions, do nothing with them, and leave: a storm of rebalances."""

import threading
import time

from chaos.records import Records
from confluent_kafka import KafkaException
from headwater_kit.bus.kafka.config import KafkaConfig, group_config

TURN_SECONDS = 2.0
# As the laptop's members, which are static: a broker lets nobody in who spreads partitions in another way.
STRATEGY = str(group_config(KafkaConfig({}, group_instance_id="laptop"), "")["partition.assignment.strategy"])


class Storm:
    """One member of each group joins or leaves every two seconds, until stopped."""

    def __init__(self, records: Records, groups: dict[str, str]) -> None:
        self._records = records
        self._groups = groups
        self.groups_joined: set[str] = set()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._come_and_go, args=(group, topic), daemon=True)
            for group, topic in groups.items()
        ]

    def start(self) -> None:
        """Begins to join."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns once all members have left."""
        self._over.set()
        for thread in self._threads:
            thread.join(15.0)

    def _come_and_go(self, group: str, topic: str) -> None:
        while not self._over.is_set():
            self._stay(group, topic)
            self._over.wait(TURN_SECONDS)

    def _stay(self, group: str, topic: str) -> None:
        options: dict[str, str | int | bool] = {
            "partition.assignment.strategy": STRATEGY,
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 1_000,
            "enable.auto.offset.store": False,
            # Records are of no interest.
            "fetch.message.max.bytes": 1_024,
            "queued.max.messages.kbytes": 64,
        }
        with self._records.consumer(group, **options) as member:
            try:
                member.subscribe([topic], on_assign=lambda *_: self.groups_joined.add(group))
                until = time.monotonic() + TURN_SECONDS
                while time.monotonic() < until and not self._over.is_set():
                    member.poll(0.1)
            except KafkaException:
                # The broker may be away; a storm does not mind.
                return
