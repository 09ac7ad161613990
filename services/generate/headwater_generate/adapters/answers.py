"""Answers written to `answers.v1` and read back as receipts."""

from collections import OrderedDict
from dataclasses import replace

from headwater_kit.bus import topics
from headwater_kit.bus.ports import Outbound, Producer, Record
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.headers import IS_PROTOBUF
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import NotFound
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.tenants import Erasures, TenantErased
from headwater_kit.telemetry import counter, names, trace_id

from headwater_generate.domain.receipts import as_seen, may_see


def answered(answer: AnswerGenerated) -> Outbound:
    """The record of an answer, which tells its trace and is counted."""
    answer = replace(answer, trace_id=answer.trace_id or trace_id())
    outcome = "answered" if answer.refusal is None else answer.refusal.value
    of = {names.GENERATE_OUTCOME: outcome, names.MODEL_ASKED: answer.generator}
    counter(names.GENERATE_ANSWERS).add(1, of)
    return Outbound(topics.ANSWERS.name, answer.answer_id.encode(), encode(answer), IS_PROTOBUF)


class KafkaAnswerLog:
    """`ports.AnswerLog` on the bus."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def publish(self, answer: AnswerGenerated) -> None:
        """See `ports.AnswerLog`."""
        await self._producer.send(answered(answer))


class RecentReceipts:
    """`ports.Receipts` over the latest `capacity` records of `answers.v1`, of all replicas.

    They are kept as they came, about 10 KiB each, and decoded when asked for.
    Those of a tenant that was erased are not found, and dropped when `on_erased` tells so.
    """

    def __init__(self, capacity: int, erasures: Erasures | None = None) -> None:
        self._capacity = capacity
        self._erasures = erasures or Erasures()
        self._values: OrderedDict[bytes, bytes] = OrderedDict()

    def apply(self, record: Record) -> None:
        """Takes a record in; the oldest one makes room."""
        if record.key is None or record.value is None:
            return
        self._values.pop(record.key, None)
        self._values[record.key] = record.value
        if len(self._values) > self._capacity:
            self._values.popitem(last=False)

    def find(self, principal: Principal, answer_id: str) -> AnswerGenerated:
        """See `ports.Receipts`."""
        value = self._values.get(answer_id.encode())
        answer = decode(AnswerGenerated, value) if value else None
        if answer is None or not may_see(principal, answer) or self._erasures.covers(answer.tenant, answer.answer_time):
            raise NotFound(f"no answer {answer_id!r} among the last {self._capacity}: ask again to get a new one")
        return as_seen(principal, answer)

    def on_erased(self, erased: TenantErased) -> None:
        """Drops what is the tenant's; later answers come to `find` alone."""
        # Few hold its name at all, and only those are decoded.
        named = [key for key, value in self._values.items() if erased.tenant.encode() in value]
        for key in named:
            answer = decode(AnswerGenerated, self._values[key])
            if answer.tenant == erased.tenant and answer.answer_time < erased.erase_time:
                del self._values[key]
