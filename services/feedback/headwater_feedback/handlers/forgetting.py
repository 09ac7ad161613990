"""Forgetting: what waits to be joined of tenants that were erased, and all that a user ever taught."""

import asyncio
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from headwater_kit.core.clock import Clock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import ANONYMOUS, Principal, check_id
from headwater_kit.core.errors import DeadlineExceeded, Denied, InvalidInput
from headwater_kit.core.impressions import UserForgotten
from headwater_kit.core.learning import ClickMemory, Learned
from headwater_kit.core.pseudonyms import Pseudonyms
from headwater_kit.core.roles import Role, may
from headwater_kit.core.tenants import TenantErased

from headwater_feedback.domain.folds import TenantFold
from headwater_feedback.handlers.learning import Learning
from headwater_feedback.ports import ForgetLog, JoinStates, Models, Replay, ServedMemories

# As long as lists and reactions are kept: what was shown in a former period may be joined yet.
UNDER_WAY_SECONDS = 7 * 86_400.0
# Examples are kept for ever; nobody's are older than that.
OLDEST_SECONDS = 10 * 365 * 86_400.0
LOOK_SECONDS = 0.1
_LATE = (
    "the user is noted as forgotten, but time was up before all of it was taken back, or what is served followed: "
    "ask again, with more time"
)


class Forgetting:
    """Forgets what waits to be joined of tenants that were erased."""

    def __init__(self, states: JoinStates) -> None:
        self._states = states
        self._due: dict[str, float] = {}

    def on_erased(self, erased: TenantErased) -> None:
        """Notes what is to be forgotten."""
        self._due[erased.tenant] = erased.erase_time

    async def forget(self) -> int:
        """Forgets what is due and this process's to forget; returns how many states."""
        forgotten = 0
        for tenant, before in list(self._due.items()):
            forgotten += await self._erase(tenant, before)
            # Only now: it is tried again where that failed.
            if self._due.get(tenant) == before:
                del self._due[tenant]
        return forgotten

    async def _erase(self, tenant: str, before: float) -> int:
        old = [one.impression_id for one in self._states.waiting() if one.since < before]
        erased = [one for one in old if (state := self._states.get(one)) and state.tenant == tenant]
        for impression_id in filter(self._states.owns, erased):
            await self._states.drop(impression_id)
        return len(erased)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What there was of a user, and the proof that nothing is left in what was learned.

    `examples` were, or would be, taken back; `models` are learned of the tenant
    now. `sha256_without`: of all that the log teaches without the user;
    `sha256_learned`: of what is learned and served.
    """

    examples: int
    models: int
    sha256_without: str
    sha256_learned: str


class UserForgetting:
    """Takes a user out of the log of examples, and out of what was learned from it."""

    def __init__(
        self,
        log: ForgetLog,
        learning: Learning,
        replay: Replay,
        *,
        served: ServedMemories,
        models: Models,
        pseudonyms: Pseudonyms,
        clock: Clock,
    ) -> None:
        self._log = log
        self._learning = learning
        self._replay = replay
        self._served = served
        self._models = models
        self._pseudonyms = pseudonyms
        self._clock = clock

    async def forget(self, user: str, principal: Principal, deadline: Deadline, *, dry_run: bool = False) -> Forgotten:
        """Forgets the caller, or for an operator any user of the tenant; returns once nothing of it is served.

        It may be repeated. Raises Denied, InvalidInput, Unavailable, and DeadlineExceeded where time is up: what
        the user did of late is on record as forgotten then; examples that are older, or not taken back yet, are
        looked for from the beginning when asked again, so give that the time that reading the log takes.
        """
        wanted = _who(user, principal)
        forgetting = asyncio.ensure_future(self._forget(wanted, principal.tenant, deadline, dry_run=dry_run))
        # Reading a long log takes its time, and the caller has no more than that.
        timer = asyncio.ensure_future(self._clock.sleep(deadline.remaining()))
        try:
            await asyncio.wait((forgetting, timer), return_when=asyncio.FIRST_COMPLETED)
            if not forgetting.done():
                raise DeadlineExceeded(_LATE)
            return forgetting.result()
        finally:
            timer.cancel()
            forgetting.cancel()

    async def _forget(self, wanted: str, tenant: str, deadline: Deadline, *, dry_run: bool) -> Forgotten:
        now = self._clock.now()
        names = {wanted, *self._pseudonyms.between(tenant, wanted, now - OLDEST_SECONDS, now)}
        # Those of late at least, a reaction of theirs may be under way; and first, reading may outlast the caller.
        of_late = {wanted, *self._pseudonyms.between(tenant, wanted, now - UNDER_WAY_SECONDS, now)}
        if not dry_run:
            await self._write(tenant, of_late, now)
        found = await self._log.examples_of(tenant, names)
        if not dry_run:
            await self._write(tenant, set(found.values()) - of_late, now)
            await self._log.take_back(tenant, sorted(found))
        return await self._proof(tenant, frozenset(names), deadline, len(found), dry_run=dry_run)

    async def _write(self, tenant: str, names: Collection[str], now: float) -> None:
        for name in sorted(names):
            await self._log.forget(UserForgotten(tenant, name, now))

    async def _proof(
        self, tenant: str, names: frozenset[str], deadline: Deadline, examples: int, *, dry_run: bool
    ) -> Forgotten:
        while True:
            without = self._learning.fresh(tenant)
            await self._replay.read(tenant, without, leaving_out=names)
            # Both stand at the same place in the log here, since nothing was waited for.
            learned, expected = self._learning.fold_of(tenant), self._digest(without)
            actual = self._digest(learned) if learned else self._digest(self._learning.fresh(tenant))
            if dry_run or (actual == expected and self._is_served(tenant, learned)):
                return Forgotten(examples, len(list(_models(learned))), expected, actual)
            if deadline.remaining() <= LOOK_SECONDS:
                raise DeadlineExceeded(_LATE)
            await self._clock.sleep(LOOK_SECONDS)

    def _digest(self, fold: TenantFold) -> str:
        parts = sorted((one.component, one.part, self._served.fingerprint(one)) for one in _models(fold))
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _is_served(self, tenant: str, fold: TenantFold | None) -> bool:
        """Whether the memories that are served are those that are learned, and no model is that is not learned."""
        if self._learning.is_due(tenant) or not self._are_learned(tenant, fold):
            return False
        due = {name: found for name in fold.memory.names if (found := fold.memory.published(name))} if fold else {}
        served = {name for one, name in self._served.names() if one == tenant}
        return served == set(due) and all(
            self._served.of(tenant, name) == self._served.fingerprint(one) for name, one in due.items()
        )

    def _are_learned(self, tenant: str, fold: TenantFold | None) -> bool:
        """Of models that passed the gate: those that are served are known by it from the examples as they are."""
        known = {name for slot in fold.gate.slots.values() for name in slot.offered} if fold else set()
        served = (one for one in self._models.of(tenant) if not isinstance(one.learned, ClickMemory))
        return all(one.stamp is not None and one.stamp.snapshot_id in known for one in served)


def _models(fold: TenantFold | None) -> Iterator[Learned]:
    if fold is not None:
        yield from (found for name in fold.memory.names if (found := fold.memory.published(name)))
        yield from (trained.learned for trained in fold.models.values())


def _who(user: str, principal: Principal) -> str:
    wanted = user or principal.user
    if wanted == ANONYMOUS:
        raise InvalidInput("name the user: nobody in particular is anonymous", field="user")
    check_id(wanted, "user")
    if wanted != principal.user and not may(principal.roles, frozenset({Role.OPERATOR})):
        raise Denied("only an operator has others forgotten: ask for yourself, or with the role operator")
    return wanted
