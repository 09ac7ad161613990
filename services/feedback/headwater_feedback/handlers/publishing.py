"""Making known what was learned: what is served is brought to what the examples say, and to nothing else."""

import asyncio
from collections.abc import Mapping
from contextvars import Context, copy_context
from itertools import islice

from headwater_kit.core.clock import Clock
from headwater_kit.core.impressions import FeedbackQuarantined

from headwater_feedback.domain.memory import Alarm
from headwater_feedback.handlers.gating import Gates
from headwater_feedback.handlers.learning import Learning
from headwater_feedback.ports import LearnedLog, Ownership, ServedMemories

# Records that are on their way to the broker at once.
SENDS_AT_ONCE = 100


class Publishing:
    """Publishes memories that differ from what is served, and what the gates decided, and tells of alarms.

    Only of tenants that this process owns. What is new of others is not kept:
    who owns them publishes it, and `begin` looks at all of it where they come
    to be this process's. A second publisher would write the same.
    """

    def __init__(
        self,
        learning: Learning,
        log: LearnedLog,
        *,
        served: ServedMemories,
        ownership: Ownership,
        gates: Gates,
        clock: Clock,
    ) -> None:
        self._learning = learning
        self._log = log
        self._served = served
        self._ownership = ownership
        self._gates = gates
        self._clock = clock

    def begin(self) -> None:
        """Has everything compared with what is served.

        Once all that stands in the log has been learned from: at the start, and when tenants came.
        """
        self._learning.is_live = True
        self._gates.begin()
        clusters = self._learning.news.clusters
        clusters.update(dict.fromkeys((*self._learning.memories(), *self._served.names()), copy_context()))

    async def publish(self) -> int:
        """Makes known what is new and this process's; returns how many memories.

        Raises Unavailable; what was not acknowledged is new still.
        """
        published = 0
        while batch := list(islice(self._learning.news.clusters, SENDS_AT_ONCE)):
            news = {one: self._learning.news.clusters.pop(one) for one in batch}
            published += sum(await self._all({one: of for one, of in news.items() if self._is_mine(one)}))
        await self._gates.publish()
        await self._tell()
        return published

    async def _all(self, batch: Mapping[tuple[str, str], Context]) -> list[bool]:
        bringing = (asyncio.create_task(self._bring(*one), context=context) for one, context in batch.items())
        done = await asyncio.gather(*bringing, return_exceptions=True)
        failed = [(one, result) for one, result in zip(batch, done, strict=True) if isinstance(result, BaseException)]
        self._learning.news.clusters.update({one: batch[one] for one, _ in failed} | self._learning.news.clusters)
        for _, error in failed:
            raise error
        return [result for result in done if isinstance(result, bool)]

    async def _bring(self, tenant: str, name: str) -> bool:
        """Brings one memory to what was learned; returns whether it was something else."""
        learned = self._learning.memory(tenant, name)
        due = self._served.fingerprint(learned[0]) if learned else None
        if due == self._served.of(tenant, name):
            return False
        offset = await (self._log.publish(*learned) if learned else self._log.withdraw(tenant, name))
        self._served.note(tenant, name, due, offset)
        return True

    async def _tell(self) -> None:
        alarms = self._learning.news.alarms
        for _ in range(len(alarms)):
            alarm = alarms[0]
            if self._ownership.owns(alarm.feedback.tenant):
                await self._log.quarantine(_quarantined(alarm, self._clock.now()))
            alarms.popleft()

    def _is_mine(self, cluster: tuple[str, str]) -> bool:
        return self._ownership.owns(cluster[0])


def _quarantined(alarm: Alarm, now: float) -> FeedbackQuarantined:
    return FeedbackQuarantined(alarm.feedback, alarm.reason, alarm.detail, now)
