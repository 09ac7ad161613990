"""The gates of all tenants: fed by the examples, heard by operators, and what they decide made known."""

import asyncio
import math
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from headwater_kit.core.clock import Clock
from headwater_kit.core.documents import Principal
from headwater_kit.core.errors import NotFound, Unavailable
from headwater_kit.core.learning import GateDecided, ModelPublished

from headwater_feedback.domain.chronicle import Chronicle, name_of
from headwater_feedback.domain.gates import GatePolicy, Identify, TenantGate
from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.verdicts import Verdict
from headwater_feedback.ports import GateLog, Gold, Places


class Gates:
    """The gates, by tenant. Owned by the event loop; `take`, `offer` and `record` never block.

    `owns` says whether this process is the one that decides for a tenant; the
    others follow what it writes. `places`: what stands on `models.v1`, where that
    is to be held to what was decided. `wake` is called when there is something
    to `publish`; `astray`, with the tenant, when a gate has come to stand
    otherwise than the log says, and must be folded anew.
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
        places: Places | None = None,
    ) -> None:
        self.wake: Callable[[], None] = lambda: None
        self.astray: Callable[[str], None] = lambda _: None
        self._log = log
        self._gold = gold
        self._identify = identify
        self._owns = owns
        self._clock = clock
        self._policy = policy
        self._places = places
        self._gates: dict[str, TenantGate] = {}
        self._chronicles: defaultdict[str, Chronicle] = defaultdict(Chronicle)
        # What was decided here and not read back yet, in order.
        self._own: defaultdict[str, deque[GateDecided]] = defaultdict(deque)
        # Tenants whose gate is to be folded anew, and decides nothing before.
        self._astray: set[str] = set()
        self._unwritten: deque[Verdict] = deque()
        self._to_compare: dict[str, None] = {}
        # An operator writes as well as who learns: each verdict is one's.
        self._writing = asyncio.Lock()

    def fresh(self, tenant: str) -> TenantGate:
        """A gate that has seen no example yet, and knows what was decided: for examples that are folded anew."""
        gold = self._gold
        return TenantGate(
            tenant,
            self._identify,
            lambda: tuple(gold.gold(tenant).values()),
            (*self._chronicles[tenant], *self._own[tenant]),
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
        self._astray.discard(gate.tenant)
        # What was decided while the examples were read anew.
        for decided in (*self._chronicles[gate.tenant], *self._own[gate.tenant]):
            gate.record(decided)
        self._review(gate)

    def begin(self) -> None:
        """Has what is served of this process's tenants brought to what was decided, and to what is learned.

        To be called once all that stands on the logs has been read: at the
        start, and when tenants came.
        """
        for tenant in {verdict.decided.tenant for verdict in self._unwritten if not self._may_write(verdict)}:
            self._forgo(tenant)
        for tenant in {*self._gates, *self._chronicles}:
            if self._owns(tenant):
                gate = self.of(tenant)
                gate.reach(math.inf)
                self._review(gate)

    def take(self, example: Example) -> None:
        """Takes a tenant's next example in, before what it teaches is offered."""
        gate = self.of(example.event.impression.tenant)
        gate.decides = self._decides(gate.tenant)
        self._note(gate.take(example))

    def offer(self, tenant: str, trained: Trained) -> None:
        """Takes in what was learned from the tenant's examples so far, at once, before the next example."""
        self._note(self.of(tenant).offer(trained))

    def record(self, decided: GateDecided) -> None:
        """Takes in what stands on `gates.v1`; all of it before the first example."""
        tenant = decided.tenant
        if not self._chronicles[tenant].add(decided):
            return
        own = self._own[tenant]
        if own and name_of(own[0]) == name_of(decided):
            own.popleft()
        elif own:
            self._forgo(tenant)
        if tenant in self._gates:
            self._gates[tenant].record(decided)

    def history(self, tenant: str) -> Sequence[GateDecided]:
        """What was decided for a tenant, in order."""
        return tuple(self._chronicles[tenant]) if tenant in self._chronicles else ()

    def offered(self, tenant: str) -> list[ModelPublished]:
        """What was offered of a tenant lately, by component and part."""
        gate = self._gates.get(tenant)
        return [model for slot in gate.slots.values() for model in slot.offered.values()] if gate else []

    async def publish(self) -> int:
        """Writes what was decided, in its order; returns how much. Raises Unavailable; the rest waits then."""
        written = 0
        async with self._writing:
            await self._compare()
            while (verdict := next(filter(self._may_write, self._unwritten), None)) is not None:
                await self._write(verdict)
                self._unwritten = deque(each for each in self._unwritten if each is not verdict)
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
        (noted,) = self._note([verdict])
        await self.publish()
        return noted.decided

    def _note(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Has them written, each after the one before it."""
        noted = [self._chained(verdict) for verdict in verdicts]
        if noted:
            self._unwritten.extend(noted)
            self.wake()
        return noted

    def _chained(self, verdict: Verdict) -> Verdict:
        tenant = verdict.decided.tenant
        own = self._own[tenant]
        last = name_of(own[-1]) if own else self._chronicles[tenant].last
        decided = replace(verdict.decided, follows=last)
        own.append(decided)
        return replace(verdict, decided=decided)

    def _decides(self, tenant: str) -> bool:
        return tenant not in self._astray and self._owns(tenant)

    def _may_write(self, verdict: Verdict) -> bool:
        return bool(verdict.decided.user) or self._owns(verdict.decided.tenant)

    def _forgo(self, tenant: str) -> None:
        """What was decided here does not count: another process decided. An operator's word does, whoever has it."""
        self._unwritten = deque(each for each in self._unwritten if each.decided.tenant != tenant or each.decided.user)
        self._own[tenant] = deque(each for each in self._own[tenant] if each.user)
        self._astray.add(tenant)
        if tenant in self._gates:
            self._gates[tenant].decides = False
        self.astray(tenant)

    def _review(self, gate: TenantGate) -> None:
        """Takes back what is not learned any more, and has what is served compared with what was decided."""
        gate.decides = self._decides(gate.tenant)
        if gate.decides:
            self._note(gate.forget())
            self._to_compare[gate.tenant] = None
            self.wake()

    async def _compare(self) -> None:
        """Writes again what does not stand on `models.v1` as decided, by the key of now; withdraws what should not."""
        while self._places is not None and self._to_compare:
            tenant = next(iter(self._to_compare))
            # Taken off first: a review that comes meanwhile puts it on again, and is compared as well.
            del self._to_compare[tenant]
            try:
                await self._compare_one(tenant, self._places)
            except BaseException:
                self._to_compare[tenant] = None
                raise

    async def _compare_one(self, tenant: str, places: Places) -> None:
        gate = self._gates.get(tenant)
        due = {model.name: model for model in gate.standing()} if gate and self._decides(tenant) else {}
        parts = set(gate.slots) if gate and self._decides(tenant) else set()
        for model in due.values():
            if not places.holds(model):
                await self._log.publish(model)
        for name in places.names(tenant):
            if (name.component, name.part) in parts and name not in due:
                await self._log.withdraw(name)

    async def _write(self, verdict: Verdict) -> None:
        # The models first: a decision that is on record is not made again.
        for name in verdict.withdrawn:
            await self._log.withdraw(name)
        for model in verdict.models:
            await self._log.publish(model)
        await self._log.decide(verdict.decided)
