"""A verdict of the gate, and what is to stand on `models.v1` by it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from headwater_kit.core.learning import GateDecided, GateDecision, ModelName, ModelPublished, ServingPolicy

from headwater_feedback.domain.slots import Slot
from headwater_feedback.domain.trials import Trial


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision, and what is to stand on `models.v1` by it: write that first, then the decision."""

    decided: GateDecided
    models: tuple[ModelPublished, ...] = ()
    withdrawn: tuple[ModelName, ...] = ()


def verdict_on(slot: Slot, decided: GateDecided, *, is_tried: bool, share: float) -> Verdict:
    """The verdict by what stands now. `is_tried`: a trial ends by it; `share` of the traffic for a canary."""
    live = ModelName(decided.tenant, decided.component, decided.part)
    ended = (replace(live, is_challenger=True),) if is_tried else ()
    match decided.decision:
        case GateDecision.INTERLEAVED:
            return Verdict(decided, _served(slot, decided.snapshot_id, decided, ServingPolicy.INTERLEAVE))
        case GateDecision.CANARY:
            return Verdict(decided, _served(slot, decided.snapshot_id, decided, ServingPolicy.CANARY, share))
        case GateDecision.PROMOTED:
            return Verdict(decided, _served(slot, decided.snapshot_id, decided, ServingPolicy.EXPLOIT), ended)
        case GateDecision.ROLLED_BACK:
            former = _served(slot, decided.parent_id, decided, ServingPolicy.EXPLOIT)
            return Verdict(decided, former, ended if former else (live, *ended))
        case GateDecision.REFUSED:
            return Verdict(decided, (), ended)


def standing(slots: Iterable[Slot], trial: Trial | None, tried: Slot | None) -> list[ModelPublished]:
    """What is to stand on `models.v1`: of each part what is live, and what is compared with it."""
    found = [slot.offered[slot.live] for slot in slots if slot.live in slot.offered]
    if trial is None or tried is None or trial.snapshot_id not in tried.offered:
        return found
    share = trial.policy.canary_share if trial.stage is ServingPolicy.CANARY else 0.0
    return [*found, replace(tried.offered[trial.snapshot_id], stage=trial.stage, share=share)]


def ends_trial(decided: GateDecided, trial: Trial | None) -> bool:
    """Whether nothing is tried any more of the part that was decided about.

    The trial is over, or what the challenger is held to has changed.
    """
    is_over = decided.decision in (GateDecision.PROMOTED, GateDecision.ROLLED_BACK)
    return is_over or (trial is not None and trial.snapshot_id == decided.snapshot_id)


def _served(
    slot: Slot, snapshot_id: str, decided: GateDecided, stage: ServingPolicy, share: float = 0.0
) -> tuple[ModelPublished, ...]:
    model = slot.offered.get(snapshot_id)
    return (replace(model, publish_time=decided.time, stage=stage, share=share),) if model else ()
