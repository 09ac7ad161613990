"""Learning: a fold over the examples of each tenant, in their order.

The same records give the same models, byte for byte, in every process and
however often they are read. What has to be unlearned is not subtracted: the
tenant's examples are folded anew without it.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.impressions import FeedbackJoined, ImpressionClosed
from headwater_kit.core.learning import ClickMemory

from headwater_feedback.domain.bursts import VelocityPolicy
from headwater_feedback.domain.clusters import MemoryPolicy
from headwater_feedback.domain.folds import TenantFold
from headwater_feedback.domain.gates import TenantGate
from headwater_feedback.domain.learners import Example, Learner
from headwater_feedback.domain.memory import Alarm, TenantMemory
from headwater_feedback.handlers.conditions import Conditions
from headwater_feedback.handlers.gating import Gates

# Alarms that wait to be told; past that, the eldest are not.
MAX_ALARMS = 1_000

MakeLearner = Callable[[str], Learner]


@dataclass(frozen=True, slots=True)
class LearningPolicy:
    """How votes become a memory, and which speed is an alarm."""

    memory: MemoryPolicy = MemoryPolicy()  # noqa: RUF009 - frozen
    velocity: VelocityPolicy = VelocityPolicy()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of `training.v1`: an example, or None where that of this key is taken back; `position` is the next."""

    tenant: str
    key: bytes
    position: Position
    event: FeedbackJoined | ImpressionClosed | None


@dataclass(slots=True)
class News:
    """What is to be made known: clusters by tenant and name, alarms. Each at most once."""

    # What was going on when it was learned: its publishing goes on with that, such as a trace.
    clusters: dict[tuple[str, str], Context] = field(default_factory=dict)
    alarms: deque[Alarm] = field(default_factory=lambda: deque(maxlen=MAX_ALARMS))


class Learning:
    """The folds of all tenants. Owned by the event loop; never blocks.

    `news` is for who publishes; `wake` is called when something was added to it,
    or a tenant is to be folded anew.
    """

    def __init__(
        self, conditions: Conditions, policy: LearningPolicy, gates: Gates, learners: Sequence[MakeLearner] = ()
    ) -> None:
        self.news = News()
        self.wake: Callable[[], None] = lambda: None
        # An alarm is told of when it goes, and not again when the log is read once more.
        self.is_live = False
        self._conditions = conditions
        self._policy = policy
        self._gates = gates
        self._learners = learners
        self._folds: dict[str, TenantFold] = {}
        self._due: dict[str, None] = {}
        self._folding: set[str] = set()
        conditions.told.append(self._fold_anew)
        gates.wake = self._woken
        gates.astray = self._gone_astray

    def take(self, entry: Entry) -> None:
        """Takes the next example in. Raises InvalidInput for one that is not its key's tenant's."""
        if entry.event is None:
            self._take_back(entry.tenant, entry.key)
            return
        if entry.tenant not in self._folds:
            self._folds[entry.tenant] = self._fold_by(self._gates.of(entry.tenant))
        self.fold(self._folds[entry.tenant], entry)

    def fresh(self, tenant: str) -> TenantFold:
        """A fold of nothing yet, by the conditions of now."""
        gate = self._gates.fresh(tenant)
        # It follows what was decided, and decides once it has taken the place of the tenant's.
        gate.decides = False
        return self._fold_by(gate)

    def fold(self, fold: TenantFold, entry: Entry) -> None:
        """Takes an example into a fold of its tenant. Raises InvalidInput."""
        event = entry.event
        if event is None:
            return
        if event.impression.tenant != entry.tenant:
            raise InvalidInput("the example is another tenant's than its key's", field="tenant")
        fold.position = entry.position
        if self._conditions.admits(event):
            fold.keys.put(entry.key, 0)
            self._teach(fold, Example(event, entry.position), is_live=fold is self._folds.get(entry.tenant))

    def replace(self, tenant: str, fold: TenantFold) -> None:
        """Puts a fold that was made anew in the place of the tenant's."""
        before = self._folds.get(tenant)
        self._folds[tenant] = fold
        self._folding.discard(tenant)
        for one in (before, fold):
            for name in one.memory.names if one else ():
                self.news.clusters[tenant, name] = copy_context()
        self._gates.replace(fold.gate)

    def due(self) -> str | None:
        """The next tenant that is to be folded anew, which it then is no more; None if none is."""
        if not self._due:
            return None
        tenant = self._due.popitem()[0]
        self._folding.add(tenant)
        return tenant

    def is_due(self, tenant: str) -> bool:
        """Whether the tenant is to be folded anew, or is being so."""
        return tenant in self._due or tenant in self._folding

    def put_off(self, tenant: str) -> None:
        """Notes that a tenant is to be folded anew after all."""
        self._folding.discard(tenant)
        self._due[tenant] = None

    def memory(self, tenant: str, name: str) -> tuple[ClickMemory, Position] | None:
        """A cluster as it is to be served, and up to where it was learned; None if there is none."""
        fold = self._folds.get(tenant)
        learned = fold.memory.published(name) if fold else None
        return (learned, fold.position) if fold and fold.position and learned else None

    def memories(self) -> Iterator[tuple[str, str]]:
        """All clusters, by tenant and name."""
        return ((tenant, name) for tenant, fold in self._folds.items() for name in fold.memory.names)

    def fold_of(self, tenant: str) -> TenantFold | None:
        """What was learned from a tenant; None if nothing."""
        return self._folds.get(tenant)

    def _teach(self, fold: TenantFold, example: Example, *, is_live: bool) -> None:
        event = example.event
        revision = event.revision if isinstance(event, ImpressionClosed) else 0
        before = fold.seen.get(_name(event))
        if before is not None and before >= revision:
            return
        fold.seen.put(_name(event), revision)
        learnt = fold.memory.take(event)
        if is_live:
            self._tell(event.impression.tenant, learnt.clusters, learnt.alarms)
        if before is None or _has_expert(event):
            self._train(fold, example, is_live=is_live)

    def _train(self, fold: TenantFold, example: Example, *, is_live: bool) -> None:
        """Each model is offered before the next example: the gate has seen just what it was learned from."""
        if is_live:
            self._gates.take(example)
        else:
            fold.gate.take(example)
        for learner in fold.learners:
            for trained in learner.take(example):
                fold.models[trained.learned.component, trained.learned.part] = trained
                if is_live:
                    self._gates.offer(fold.gate.tenant, trained)
                else:
                    fold.gate.offer(trained)

    def _fold_by(self, gate: TenantGate) -> TenantFold:
        memory = TenantMemory(self._policy.memory, self._policy.velocity, self._conditions.gold(gate.tenant))
        return TenantFold(memory, [make(gate.tenant) for make in self._learners], gate)

    def _tell(self, tenant: str, clusters: set[str], alarms: Sequence[Alarm]) -> None:
        self.news.clusters.update(dict.fromkeys(((tenant, name) for name in sorted(clusters)), copy_context()))
        if self.is_live:
            self.news.alarms.extend(alarms)
        if clusters or alarms:
            self.wake()

    def _take_back(self, tenant: str, key: bytes) -> None:
        fold = self._folds.get(tenant)
        if fold is not None and (fold.keys.get(key) is not None or not fold.keys.is_whole):
            self._fold_anew(tenant)

    def _woken(self) -> None:
        # Who publishes sets `wake` later.
        self.wake()

    def _gone_astray(self, tenant: str) -> None:
        if tenant in self._folds:
            self._fold_anew(tenant)
        else:
            self._gates.replace(self._gates.fresh(tenant))

    def _fold_anew(self, tenant: str) -> None:
        if tenant in self._folds:
            self._due[tenant] = None
            self.wake()


def _name(event: FeedbackJoined | ImpressionClosed) -> bytes:
    """Names an example by what it is of, so that it is known again under whatever key."""
    if isinstance(event, ImpressionClosed):
        return "\x1f".join(("closed", event.impression.impression_id, event.reader)).encode()
    said = event.feedback
    return "\x1f".join(("joined", said.impression_id, said.user, said.feedback_id)).encode()


def _has_expert(event: FeedbackJoined | ImpressionClosed) -> bool:
    return isinstance(event, ImpressionClosed) and any(judged.expert for judged in event.judgements)
