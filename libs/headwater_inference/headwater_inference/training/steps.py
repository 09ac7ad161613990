"""The steps of a training: batches in an order of the seed, a rate that rises and falls, the loss of each."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from headwater_inference.training.rows import Row

# Share of the steps in which the rate rises; after them it falls in a line to nothing.
WARM_UP = 0.1
# Bound on the length of a gradient.
LONGEST = 1.0


@dataclass(frozen=True, slots=True)
class TrainingPolicy:
    """How it is trained. `rate`: the optimiser's (AdamW) at its highest. `batch`: rows of a step."""

    epochs: int = 1
    batch: int = 32
    rate: float = 2e-5
    seed: int = 0


def descend(
    module: Any, rows: Sequence[Row], loss_of: Callable[[Sequence[Row]], Any], policy: TrainingPolicy
) -> list[float]:
    """Trains by the loss of each batch; returns the losses. On a CPU the same rows and seed give the same weights."""
    import torch  # noqa: PLC0415 - heavy, and of an extra

    batches = list(_batches(rows, policy))
    optimiser = torch.optim.AdamW(module.parameters(), lr=policy.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share(step, len(batches)))
    module.train()
    losses = []
    for batch in batches:
        optimiser.zero_grad()
        loss = loss_of(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), LONGEST)
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
    module.eval()
    return losses


def settle(seed: int) -> str:
    """Fixes torch's chance and says which device there is."""
    import torch  # noqa: PLC0415 - as above

    torch.manual_seed(seed)
    return "cuda" if torch.cuda.is_available() else "cpu"


def _batches(rows: Sequence[Row], policy: TrainingPolicy) -> list[Sequence[Row]]:
    rng, found = random.Random(policy.seed), list[Sequence[Row]]()
    for _ in range(policy.epochs):
        mixed = list(rows)
        rng.shuffle(mixed)
        found += [mixed[begin : begin + policy.batch] for begin in range(0, len(mixed), policy.batch)]
    return found


def _share(step: int, steps: int) -> float:
    rising = max(1, round(WARM_UP * steps))
    return (step + 1) / rising if step < rising else max(0.0, (steps - step) / max(1, steps - rising))
