"""A bare producer at a steady pace, and its exact log of what the broker acknowledged."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from chaos.workload import DOCUMENTS, Write
from confluent_kafka import KafkaError, Message, Producer

FLUSH_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write, where the broker put it, and when the producer sent it and heard of it (monotonic seconds)."""

    write: Write
    partition: int
    offset: int
    sent_at: float


class SteadyProducer:
    """Sends `writes`, as many as there are, at `per_second` from a thread of its own, between `start` and `stop`."""

    def __init__(self, bootstrap: str, writes: Iterator[Write], per_second: float) -> None:
        config = {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            # With more, librdkafka takes a request that failed for acknowledged once the next one of its partition is;
            # but a broker takes any first request of a producer, so that what failed may be in no log.
            "max.in.flight.requests.per.connection": 1,
            "compression.type": "zstd",
            "message.max.bytes": 64 * 1024 * 1024,
            # Nothing is given up while the broker is away.
            "message.timeout.ms": 0,
            "reconnect.backoff.max.ms": 500,
            "log_level": 0,
        }
        self.log: list[Acknowledged] = []
        self.refused: list[str] = []
        self._home = Producer({**config, "partitioner": "murmur2_random"})
        self._foreign = Producer({**config, "partitioner": "consistent_random"})
        self._writes = writes
        self._pause = 1 / per_second
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def stop(self) -> None:
        """Returns once all that was sent is acknowledged. Raises TimeoutError where the broker does not do so."""
        self.halt()
        if left := sum(client.flush(FLUSH_SECONDS) for client in (self._home, self._foreign)):
            raise TimeoutError(f"{left} writes were not acknowledged")

    def halt(self) -> None:
        """Sends no more; what is under way is left to itself."""
        self._over.set()
        self._thread.join()

    def places(self) -> dict[str, str]:
        """Where the broker said that it put each write, by the write's id."""
        return {e.write.id: f"{e.write.topic}/{e.partition}@{e.offset} key {e.write.key!r}" for e in list(self.log)}

    def first_since(self, moment: float) -> Acknowledged | None:
        """The first acknowledged live write sent since `moment` that stands in its own partition."""
        log = list(self.log)
        found = [e for e in log if e.sent_at >= moment and e.write.topic == DOCUMENTS and not e.write.foreign]
        return min(found, key=lambda entry: entry.sent_at, default=None)

    def _run(self) -> None:
        next_at = time.monotonic()
        for write in self._writes:
            if self._over.wait(max(0.0, next_at - time.monotonic())):
                return
            self._send(write)
            self._hear()
            next_at = max(next_at + self._pause, time.monotonic() - 1.0)
        while not self._over.wait(self._pause):
            self._hear()

    def _hear(self) -> None:
        for client in (self._home, self._foreign):
            client.poll(0)

    def _send(self, write: Write) -> None:
        sent_at = time.monotonic()

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                self.log.append(Acknowledged(write, message.partition() or 0, _offset(message), sent_at))
            else:
                self.refused.append(f"{write.id}: {error.str()}")

        client = self._foreign if write.foreign else self._home
        client.produce(write.topic, write.value, key=write.key, headers=list(write.headers), on_delivery=delivered)


def _offset(message: Message) -> int:
    # Below 0 where the broker only said that it had the record already.
    offset = message.offset()
    return -1 if offset is None else offset
