"""The gate of a tenant: what may be served of what was learned.

Offered, a model is held to what is known already (`offering`); then it is tried
on traffic, list against list and on a share of it (`trials`); then it is live,
and watched (`monitors`). One model of a tenant is tried at a time; of those
offered meanwhile the last of each part waits.

All of it is a fold over two logs: the examples, and the gate's own verdicts,
each of which says at which example it was made. While verdicts are recorded of
later examples, nothing is decided anew: so a process that starts again comes to
the same state, and goes on from it. Time is that of the examples.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput, NotFound
from headwater_kit.core.impressions import FeedbackJoined, ImpressionClosed
from headwater_kit.core.learning import (
    BanditModel,
    GateCheck,
    GateDecided,
    GateDecision,
    GoldQuestion,
    ModelPublished,
    RankerModel,
    ServingPolicy,
    Stamp,
)

from headwater_feedback.domain.chronicle import Known, offset_of
from headwater_feedback.domain.evidence import Evidence, Outcome
from headwater_feedback.domain.learners import Example, Trained
from headwater_feedback.domain.monitors import Monitor, WatchPolicy
from headwater_feedback.domain.offering import OfferPolicy, Standing, check_origin, check_ranker
from headwater_feedback.domain.slots import Slot
from headwater_feedback.domain.trials import Look, Trial, TrialPolicy
from headwater_feedback.domain.verdicts import Verdict, ends_trial, standing, verdict_on

# Verdicts that are told of; all are on `gates.v1`.
MAX_HISTORY = 500

# Gives a model its id: `auth.snapshots.Seal`. Raises InvalidInput.
Identify = Callable[[ModelPublished], ModelPublished]


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """What is asked at each of its stages."""

    offer: OfferPolicy = OfferPolicy()  # noqa: RUF009 - frozen
    trial: TrialPolicy = TrialPolicy()  # noqa: RUF009 - frozen
    watch: WatchPolicy = WatchPolicy()  # noqa: RUF009 - frozen


class TenantGate:
    """Of one tenant. Owned by one task; never blocks.

    `history`: what `gates.v1` has of it. `gold`: its gold questions as they are
    now. Set `decides` to False in a process that is not to decide: it follows
    what others `record`.
    """

    def __init__(
        self,
        tenant: str,
        identify: Identify,
        gold: Callable[[], Sequence[GoldQuestion]],
        history: Iterable[GateDecided] = (),
        policy: GatePolicy | None = None,
    ) -> None:
        self.tenant = tenant
        self.decides = True
        self.history: deque[GateDecided] = deque(maxlen=MAX_HISTORY)
        self.slots: dict[tuple[str, str], Slot] = {}
        self.trial: Trial | None = None
        self._tried: Slot | None = None
        self._identify = identify
        self._gold = gold
        self._policy = policy or GatePolicy()
        self._evidence = Evidence()
        self._position: Position | None = None
        self._time = 0.0
        self._examples = 0
        self._known = Known()
        self._pending: deque[GateDecided] = deque()
        for decided in sorted(history, key=offset_of):
            self.record(decided)

    def take(self, example: Example) -> list[Verdict]:
        """Takes the next example in; what is decided by it."""
        # What was decided before it, of examples that are not there any more.
        self.reach(example.position.offset - 1)
        self._position = example.position
        self._examples += 1
        event, found = example.event, list[Verdict]()
        if isinstance(event, FeedbackJoined):
            self._time = max(self._time, event.feedback.time)
        else:
            self._time = max(self._time, event.close_time)
            if self._evidence.add(event):
                found += self._try(event)
                found += self._watch(event)
        self.reach(example.position.offset)
        found += self._let_in()
        return found

    def reach(self, offset: float) -> None:
        """Has stand what was decided up to that place in the log; all before it has been read."""
        while self._pending and offset_of(self._pending[0]) <= offset:
            self._apply(self._pending.popleft())

    def offer(self, trained: Trained) -> list[Verdict]:
        """Takes in what was learned from the examples so far; what is decided about it now."""
        slot = self._slot(trained.learned.component, trained.learned.part)
        standing = Standing(self.tenant, self._position, self._examples, slot.learned)
        checks = check_origin(trained, standing)
        if not all(check.passed for check in checks):
            return self._refused_at_the_door(slot, trained, checks)
        model = self._identified(trained, slot.last_offered)
        snapshot_id = _id(model)
        slot.keep(snapshot_id, model, self.trial.snapshot_id if self.trial else "")
        slot.waiting = "" if self._known.is_judged(snapshot_id) else snapshot_id
        return self._let_in()

    def record(self, decided: GateDecided) -> None:
        """Takes in what `gates.v1` has; once is enough, more do not harm."""
        if not self._known.note(decided):
            return
        if decided.position is None or offset_of(decided) <= (self._position.offset if self._position else 0):
            self._apply(decided)
        else:
            self._pending.append(decided)

    def promote(self, snapshot_id: str, user: str, time: float) -> Verdict:
        """Makes a model live that was offered, whatever the gate thinks of it. Raises NotFound."""
        slot = next((each for each in self.slots.values() if snapshot_id in each.offered), None)
        if slot is None or not snapshot_id:
            raise NotFound("no model of this id was offered lately: `headwater models list` has those that were")
        return self._decide(slot, snapshot_id, GateDecision.PROMOTED, (), f"promoted by {user}", user=user, time=time)

    def roll_back(self, component: str, part: str, user: str, time: float) -> Verdict:
        """Makes the model live again that was before, or none. Raises NotFound where none is live."""
        slot = self.slots.get((component, part))
        if slot is None or not slot.live:
            raise NotFound("nothing of this component and part is live: `headwater models list` has what is")
        reason = f"rolled back by {user}"
        return self._decide(slot, slot.live, GateDecision.ROLLED_BACK, (), reason, user=user, time=time)

    def forget(self) -> list[Verdict]:
        """Takes back what is served and was not learned from the examples as they are now: call it after a refold."""
        gone = [slot for slot in self.slots.values() if slot.live and slot.live not in slot.offered]
        reason = "not learned from the examples as they are now: feedback was forgotten, or is learned from otherwise"
        found = [self._decide(slot, slot.live, GateDecision.ROLLED_BACK, (), reason) for slot in gone]
        if self.trial and self._tried and self.trial.snapshot_id not in self._tried.offered:
            found.append(self._decide(self._tried, self.trial.snapshot_id, GateDecision.REFUSED, (), reason))
        return found

    def standing(self) -> list[ModelPublished]:
        """What is to stand on `models.v1` by what was decided."""
        return standing(self.slots.values(), self.trial, self._tried)

    @property
    def is_behind(self) -> bool:
        """Whether more was decided than the examples read so far explain."""
        return bool(self._pending)

    @property
    def _is_deciding(self) -> bool:
        return self.decides and not self._pending

    def _let_in(self) -> list[Verdict]:
        """Judges those that wait, until one of them is tried."""
        return [
            self._judge(slot, slot.offered[slot.waiting])
            for slot in self.slots.values()
            if self._is_deciding and self.trial is None and slot.waiting
        ]

    def _judge(self, slot: Slot, model: ModelPublished) -> Verdict:
        learned, live = model.learned, slot.learned
        if learned == live:
            same = GateCheck("changed", 0.0, 1.0, passed=False)
            return self._decide(slot, _id(model), GateDecision.REFUSED, (same,), "it is what is live")
        checks: Sequence[GateCheck] = ()
        if isinstance(learned, RankerModel):
            checks = check_ranker(learned, live, self._evidence, self._gold(), self._policy.offer)
        failed = [check.name for check in checks if not check.passed]
        if failed:
            return self._decide(slot, _id(model), GateDecision.REFUSED, checks, f"did not pass {', '.join(failed)}")
        if isinstance(learned, BanditModel):
            # Its arms are those that were set, and drawing among them is the trial.
            return self._decide(slot, _id(model), GateDecision.PROMOTED, checks, "the same arms, by what came of them")
        return self._decide(slot, _id(model), GateDecision.INTERLEAVED, checks, "not worse by what is known")

    def _refused_at_the_door(self, slot: Slot, trained: Trained, checks: Sequence[GateCheck]) -> list[Verdict]:
        if not self._is_deciding:
            return []
        failed = ", ".join(check.name for check in checks)
        return [
            self._decide(slot, "", GateDecision.REFUSED, checks, f"not a model of this tenant's to serve: {failed}")
        ]

    def _try(self, closed: ImpressionClosed) -> list[Verdict]:
        look: Look | None = self.trial.take(closed) if self.trial else None
        if look is None or self._tried is None or self.trial is None or not self._is_deciding:
            return []
        return [self._decide(self._tried, self.trial.snapshot_id, look.decision, look.checks, look.reason)]

    def _watch(self, closed: ImpressionClosed) -> list[Verdict]:
        serving, found = closed.impression.serving, []
        if serving.policy is not ServingPolicy.EXPLOIT:
            return []
        served = {"ranker": serving.ranker_id, "adapter": serving.adapter_id}
        for slot in self.slots.values():
            if slot.monitor is None or served.get(slot.component) != slot.live:
                continue
            failed = slot.monitor.add(Outcome(closed.reward, closed.abandoned))
            if failed and self._is_deciding:
                reason = "users make less of its lists than before"
                found.append(self._decide(slot, slot.live, GateDecision.ROLLED_BACK, failed, reason))
        return found

    def _decide(
        self,
        slot: Slot,
        snapshot_id: str,
        decision: GateDecision,
        checks: Sequence[GateCheck],
        reason: str,
        *,
        user: str = "",
        time: float | None = None,
    ) -> Verdict:
        parent = slot.way_back() if decision is GateDecision.ROLLED_BACK else slot.live
        decided = GateDecided(
            *(self.tenant, slot.component, snapshot_id, parent, decision, tuple(checks), reason),
            time=self._time if time is None else time,
            user=user,
            part=slot.part,
            position=self._position,
        )
        is_tried = self._tried is slot and ends_trial(decided, self.trial)
        verdict = verdict_on(slot, decided, is_tried=is_tried, share=self._policy.trial.canary_share)
        self._known.note(decided)
        self._apply(decided)
        return verdict

    def _apply(self, decided: GateDecided) -> None:
        """Makes what stands what was decided."""
        self.history.append(decided)
        slot = self._slot(decided.component, decided.part)
        if slot.waiting == decided.snapshot_id:
            slot.waiting = ""
        if self._tried is slot and ends_trial(decided, self.trial):
            self.trial = self._tried = None
        match decided.decision:
            case GateDecision.INTERLEAVED | GateDecision.CANARY:
                is_canary = decided.decision is GateDecision.CANARY
                stage = ServingPolicy.CANARY if is_canary else ServingPolicy.INTERLEAVE
                self.trial, self._tried = Trial(decided.snapshot_id, stage, self._policy.trial), slot
            case GateDecision.PROMOTED:
                slot.serve(decided.snapshot_id)
                slot.monitor = Monitor.after(self._evidence.recent, self._policy.watch)
            case GateDecision.ROLLED_BACK:
                slot.take_back(decided.parent_id)
                slot.monitor = None
            case GateDecision.REFUSED:
                pass

    def _identified(self, trained: Trained, parent_id: str) -> ModelPublished:
        stamp = Stamp(
            *("", parent_id),
            trained_to=trained.trained_to,
            seed=trained.seed,
            metrics=trained.metrics,
            example_count=trained.example_count,
        )
        return self._identify(ModelPublished(trained.learned, self._time, stamp))

    def _slot(self, component: str, part: str) -> Slot:
        return self.slots.setdefault((component, part), Slot(component, part))


def _id(model: ModelPublished) -> str:
    if model.stamp is None or not model.stamp.snapshot_id:
        raise InvalidInput("the model has no id", field="stamp")
    return model.stamp.snapshot_id
