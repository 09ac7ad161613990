"""The ports of the gate in memory, for tests and benches."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from headwater_kit.auth.snapshots import sign
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.learning import GateDecided, GoldQuestion, ModelName, ModelPublished
from headwater_kit.core.questions import question_key

from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.handlers.gating import Gates


class MemoryGateLog:
    """`ports.GateLog`, `Places`, `GoldLog` and `Gold` in one; `away` makes writes fail as a lost broker does."""

    def __init__(self) -> None:
        self.away = False
        self.models: dict[ModelName, ModelPublished] = {}
        self.decided: list[GateDecided] = []
        self.questions: dict[tuple[str, str], GoldQuestion] = {}

    async def publish(self, model: ModelPublished) -> None:
        self._check()
        self.models[model.name] = model

    async def withdraw(self, name: ModelName) -> None:
        self._check()
        self.models.pop(name, None)

    async def decide(self, decided: GateDecided) -> None:
        self._check()
        self.decided.append(decided)

    def names(self, tenant: str) -> list[ModelName]:
        """See `ports.Places`."""
        return [name for name in self.models if name.tenant == tenant]

    def holds(self, model: ModelPublished) -> bool:
        """See `ports.Places`."""
        found = self.models.get(model.name)
        return found is not None and replace(found, publish_time=0.0) == replace(model, publish_time=0.0)

    async def put(self, question: GoldQuestion) -> None:
        """See `ports.GoldLog`."""
        self._check()
        self.questions[question.tenant, question_key(question.query)] = question

    async def remove(self, question: GoldQuestion) -> None:
        """See `ports.GoldLog`."""
        self._check()
        self.questions.pop((question.tenant, question_key(question.query)), None)

    def gold(self, tenant: str) -> Mapping[str, GoldQuestion]:
        """See `ports.Gold`."""
        return {key: question for (owner, key), question in sorted(self.questions.items()) if owner == tenant}

    def _check(self) -> None:
        if self.away:
            raise Unavailable("the broker is away")


class ListedOffers(Gates):
    """Gates that keep what they are offered, and decide nothing."""

    def __init__(self) -> None:
        log = MemoryGateLog()
        super().__init__(log, log, partial(sign, key=None), owns=lambda _: False, clock=SystemClock())
        self.listed: list[Trained] = []

    def take(self, example: Example) -> None:
        """Nothing is decided by an example."""

    def offer(self, tenant: str, trained: Trained) -> None:
        """Keeps it."""
        self.listed.append(trained)
