"""What learns: a learner takes the examples of one tenant in, in their order, and gives models.

Everything that a learner knows comes from the examples, and all chance from a
seed: so the same examples give the same models, byte for byte, in whichever
process and however often they are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from headwater_kit.core.documents import Position
from headwater_kit.core.impressions import FeedbackJoined, ImpressionClosed
from headwater_kit.core.learning import Learned

_NO_FIGURES: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Example:
    """An example as it stands in `training.v1`; `position` is the next one's."""

    event: FeedbackJoined | ImpressionClosed
    position: Position


@dataclass(frozen=True, slots=True)
class Trained:
    """A model as a learner gives it: learned from this many examples, up to `trained_to`."""

    learned: Learned
    trained_to: Position
    example_count: int = 0
    seed: int = 0
    metrics: Mapping[str, float] = field(default_factory=lambda: _NO_FIGURES)


class Learner(Protocol):
    """Learns one component of one tenant. Owned by one task; never blocks."""

    def take(self, example: Example) -> Sequence[Trained]:
        """Takes the next example in; the models that are to be offered now, none most of the time."""
        ...
