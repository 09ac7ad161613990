"""What stands where: of each component and part of a tenant what is live, what was, and what was offered."""

from collections import OrderedDict
from dataclasses import dataclass, field

from headwater_kit.core.learning import Learned, ModelPublished

from headwater_feedback.domain.monitors import Monitor

# Models that were live, for rollbacks, and models that were offered last, for operators.
MAX_FORMER = 8
MAX_OFFERED = 16


@dataclass(slots=True)
class Slot:
    """One component and part. Ids are empty where nothing was learned."""

    component: str
    part: str
    live: str = ""
    former: list[str] = field(default_factory=list)
    waiting: str = ""
    last_offered: str = ""
    monitor: Monitor | None = None
    offered: OrderedDict[str, ModelPublished] = field(default_factory=OrderedDict)

    def keep(self, snapshot_id: str, model: ModelPublished, besides: str) -> None:
        """Keeps a model that was offered; the eldest goes that is of no use any more. `besides`: what is tried now."""
        self.offered[snapshot_id], self.last_offered = model, snapshot_id
        needed = {self.live, self.waiting, besides, *self.former, snapshot_id}
        idle = [each for each in self.offered if each not in needed]
        for each in idle[: max(0, len(self.offered) - MAX_OFFERED)]:
            del self.offered[each]

    def serve(self, snapshot_id: str) -> None:
        """Makes a model the live one; what was live can be gone back to."""
        self.former = [*self.former, self.live][-MAX_FORMER:]
        self.live = snapshot_id

    def take_back(self, to: str) -> None:
        """Makes a former model the live one again."""
        places = [place for place, each in enumerate(self.former) if each == to]
        self.former, self.live = self.former[: places[-1]] if places else [], to

    def way_back(self) -> str:
        """The last that was live before and is known still; empty for what was there before anything was learned."""
        return next((each for each in reversed(self.former) if each in self.offered), "")

    @property
    def learned(self) -> Learned | None:
        """What is live; None where nothing is, or it is not known."""
        model = self.offered.get(self.live)
        return model.learned if model else None
