"""Producing the outputs of records, in source order, until all are acknowledged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from headwater_kit.bus import tracing
from headwater_kit.bus.attempts import Attempts, Outcome, Place
from headwater_kit.bus.lease import Lease
from headwater_kit.bus.ports import Ack, Producer, Record
from headwater_kit.core.crash import crash_point
from headwater_kit.core.errors import HeadwaterError, InvalidInput, Transient


@dataclass(slots=True)
class Emission:
    """A handled record on its way out."""

    record: Record
    place: Place
    outcome: Outcome
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """The first emission that failed, by index, and how."""

    index: int
    error: HeadwaterError


class Emitter:
    """Sends the outputs of consecutive records of one partition.

    All outputs of a call are on the way at once. When one fails, it and all
    after it are sent again: since a producer lets no record overtake an earlier
    one (`ports.Producer`), each output's first copy comes after the first
    copies of all outputs before it. Nothing is sent while the lease is lapsed.
    """

    def __init__(self, producer: Producer, attempts: Attempts, lease: Lease) -> None:
        self._producer = producer
        self._attempts = attempts
        self._lease = lease

    async def emit(self, emissions: Sequence[Emission]) -> None:
        """Returns once every output is acknowledged; tries for ever.

        Raises Misconfigured, Denied, and what is no HeadwaterError: all are for an operator.
        """
        left = list(emissions)
        while failure := await self._try(left):
            left = left[failure.index :]
            await self._recover(left[0], failure.error)

    async def _try(self, emissions: Sequence[Emission]) -> Failure | None:
        with tracing.sending_all([emission.outcome.outputs for emission in emissions]):
            return await self._send(emissions)

    async def _send(self, emissions: Sequence[Emission]) -> Failure | None:
        sends: list[tuple[int, asyncio.Task[Ack]]] = []
        try:
            for index, emission in enumerate(emissions):
                for output in emission.outcome.outputs:
                    await self._lease.held()
                    sends.append((index, asyncio.create_task(self._producer.send(output))))
                    # A turn of the loop hands the record to the client; what is refused at once stops the rest.
                    await asyncio.sleep(0)
                    if _refused(sends[-1][1]):
                        return await _first_failure(sends)
                crash_point("bus.emitted")
            return await _first_failure(sends)
        finally:
            for _, send in sends:
                send.cancel()

    async def _recover(self, emission: Emission, error: HeadwaterError) -> None:
        emission.attempts += 1
        if isinstance(error, Transient):
            await self._attempts.back_off(emission.record, emission.place, error, emission.attempts)
        elif isinstance(error, InvalidInput):
            if not emission.outcome.dead and (dead := self._put_aside(emission, error)):
                emission.outcome = dead
                return
            # A dead letter is never dropped: the partition stands until an operator makes room for it.
            await self._attempts.back_off(emission.record, emission.place, error, emission.attempts)
        else:
            raise error

    def _put_aside(self, emission: Emission, error: HeadwaterError) -> Outcome | None:
        return self._attempts.put_aside(emission.record, error, emission.attempts)


def _refused(send: "asyncio.Task[Ack]") -> bool:
    return send.done() and send.exception() is not None


async def _first_failure(sends: Sequence[tuple[int, "asyncio.Task[Ack]"]]) -> Failure | None:
    results = await asyncio.gather(*(send for _, send in sends), return_exceptions=True)
    for (index, _), result in zip(sends, results, strict=True):
        if isinstance(result, HeadwaterError):
            return Failure(index, result)
        if isinstance(result, BaseException):
            raise result
    return None
