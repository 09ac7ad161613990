"""The gates of all tenants: fed by the examples, heard by operators, and what they decide made known."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import NotFound, Unavailable
from headwater_kit.core.learning import GateDecided, ModelPublished

from headwater_feedback.domain.gates import GatePolicy, Identify, TenantGate
from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.verdicts import Verdict
from headwater_feedback.ports import GateLog, Gold


class Gates:
    """The gates, by tenant. Owned by the event loop; `take`, `offer` and `record` never block.

    `owns` says whether this process is the one that decides for a tenant; the
    others follow what it writes. `wake` is called when there is something to
    `publish`.
    """

    def __init__(
        self,
        log: GateLog,
        gold: Gold,
        identify: Identify,
        *,
        owns: Callable[[str], bool],
        clock: Clock,
        policy: GatePolicy | None = None,
    ) -> None:
        self.wake: Callable[[], None] = lambda: None
        self._log = log
        self._gold = gold
        self._identify = identify
        self._owns = owns
        self._clock = clock
        self._policy = policy
        self._gates: dict[str, TenantGate] = {}
        self._history: defaultdict[str, list[GateDecided]] = defaultdict(list)
        self._unwritten: deque[Verdict] = deque()
        # An operator writes as well as who learns: each verdict is one's.
        self._writing = asyncio.Lock()

    def fresh(self, tenant: str) -> TenantGate:
        """A gate that has seen no example yet, and knows what was decided: for examples that are folded anew."""
        gold = self._gold
        return TenantGate(
            tenant,
            self._identify,
            lambda: tuple(gold.gold(tenant).values()),
            self._history[tenant],
            self._policy,
        )

    def of(self, tenant: str) -> TenantGate:
        """The tenant's gate."""
        if tenant not in self._gates:
            self._gates[tenant] = self.fresh(tenant)
        return self._gates[tenant]

    def replace(self, gate: TenantGate) -> None:
        """Puts a gate that was folded anew in the place of the tenant's; takes back what is not learned any more."""
        self._gates[gate.tenant] = gate
        # What was decided while the examples were read anew.
        for decided in (*self._history[gate.tenant], *(verdict.decided for verdict in self._unwritten)):
            if decided.tenant == gate.tenant:
                gate.record(decided)
        gate.decides = self._owns(gate.tenant)
        if gate.decides:
            self._note(gate.forget())

    def take(self, example: Example) -> None:
        """Takes a tenant's next example in, before what it teaches is offered."""
        gate = self.of(example.event.impression.tenant)
        gate.decides = self._owns(gate.tenant)
        self._note(gate.take(example))

    def offer(self, tenant: str, trained: Trained) -> None:
        """Takes in what was learned from the tenant's examples so far, at once, before the next example."""
        self._note(self.of(tenant).offer(trained))

    def record(self, decided: GateDecided) -> None:
        """Takes in what stands on `gates.v1`; all of it before the first example."""
        self._history[decided.tenant].append(decided)
        if decided.tenant in self._gates:
            self._gates[decided.tenant].record(decided)

    def history(self, tenant: str) -> Sequence[GateDecided]:
        """What was decided for a tenant, in order."""
        return self._history.get(tenant, ())

    def offered(self, tenant: str) -> list[ModelPublished]:
        """What was offered of a tenant lately, by component and part."""
        gate = self._gates.get(tenant)
        return [model for slot in gate.slots.values() for model in slot.offered.values()] if gate else []

    async def publish(self) -> int:
        """Writes what was decided, in its order; returns how much. Raises Unavailable; the rest waits then."""
        written = 0
        async with self._writing:
            while self._unwritten:
                await self._write(self._unwritten[0])
                self._unwritten.popleft()
                written += 1
        return written

    async def promote(self, snapshot_id: str, principal: Principal) -> GateDecided:
        """Has a model served that was offered. Raises NotFound, Unavailable."""
        gate = self._known(principal.tenant)
        return await self._written(gate.promote(snapshot_id, principal.user, self._clock.now()))

    async def roll_back(self, component: str, part: str, principal: Principal) -> GateDecided:
        """Has the model served again that was before. Raises NotFound, Unavailable."""
        gate = self._known(principal.tenant)
        return await self._written(gate.roll_back(component, part, principal.user, self._clock.now()))

    def _known(self, tenant: str) -> TenantGate:
        """Not made for whoever asks: what was never learned from has no gate."""
        if tenant not in self._gates:
            raise NotFound("nothing was learned for this tenant: give feedback first")
        if self._gates[tenant].is_behind:
            raise Unavailable("what was decided before is still being read: try again in a moment")
        return self._gates[tenant]

    async def _written(self, verdict: Verdict) -> GateDecided:
        """Behind what the gate decided before, so that the last word on `models.v1` is the last decision."""
        self._note([verdict])
        await self.publish()
        return verdict.decided

    def _note(self, verdicts: Sequence[Verdict]) -> None:
        if verdicts:
            self._unwritten.extend(verdicts)
            self.wake()

    async def _write(self, verdict: Verdict) -> None:
        # The models first: a decision that is on record is not made again.
        for name in verdict.withdrawn:
            await self._log.withdraw(name)
        for model in verdict.models:
            await self._log.publish(model)
        await self._log.decide(verdict.decided)
