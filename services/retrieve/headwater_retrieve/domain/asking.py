"""Of which passage a rating would teach most, and whom to ask for one: few, and those who can tell what is in doubt.

Method: uncertainty sampling (Lewis and Gale, "A sequential algorithm for training
text classifiers", SIGIR 1994), by what a ranking leaves in doubt: how near a
passage's score is to its neighbour's, how far meaning and words disagree about
it, and how little users have said of it. Where it stands counts as in nDCG.
"""

from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, inf, log2

from headwater_kit.core.documents import Principal

from headwater_retrieve.domain.fusion import Candidate

DAY_SECONDS = 86_400.0
# Lower ones are hardly looked at, so who is asked could not tell.
DEPTH = 5
# Gap of two scores, in standard deviations of a leg, from which their order is hardly in doubt.
NEAR = 0.5
# Searches of a tenant that a search is held against, and how many there must be before anybody is asked.
RECENT, LEAST = 200, 20
# Tenants, and users of today, who are remembered; about 4 KiB and 200 bytes each.
MAX_TENANTS, MAX_USERS = 1_000, 10_000


@dataclass(frozen=True, slots=True)
class AskingPolicy:
    """`share` of the searches whose reader is asked; at most so many a day of one user. `max_boost`: the votes'."""

    share: float = 0.05
    per_day: int = 3
    max_boost: float = 3.0


def worth(candidates: Sequence[Candidate], max_boost: float) -> list[float]:
    """What a rating of each would teach, 0 to 1, of candidates as they are shown."""
    found = []
    for place, each in enumerate(candidates[:DEPTH]):
        beside = (*candidates[max(0, place - 1) : place], *candidates[place + 1 : place + 2])
        doubt = exp(-min((abs(each.score - other.score) for other in beside), default=inf) / NEAR)
        ranks = [1.0 / rank if rank else 0.0 for rank in (each.dense_rank, each.lexical_rank)]
        unknown = 1.0 - min(1.0, abs(each.memory or 0.0) / (max_boost or 1.0))
        found.append(unknown * (doubt + abs(ranks[0] - ranks[1])) / 2.0 / log2(2 + place))
    return found


@dataclass(slots=True)
class Asking:
    """Chooses. Owned by the event loop; what it remembers is this process's, and bounded."""

    policy: AskingPolicy = AskingPolicy()
    _recent: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _asked: OrderedDict[tuple[str, str], tuple[int, int]] = field(default_factory=OrderedDict)

    def rank(self, candidates: Sequence[Candidate], principal: Principal, now: float) -> int:
        """Rank of the shown passage that the reader is to be asked about; 0 for none.

        The searches that are worth most are chosen: those above the tenant's
        latest but for the share that is set.
        """
        worths = worth(candidates, self.policy.max_boost)
        if not worths or self.policy.share <= 0.0:
            return 0
        best = max(range(len(worths)), key=worths.__getitem__)
        is_among_best = self._is_among_best(principal.tenant, worths[best])
        return best + 1 if is_among_best and self._may_ask(principal, int(now // DAY_SECONDS)) else 0

    def _is_among_best(self, tenant: str, value: float) -> bool:
        latest = self._recent.setdefault(tenant, deque(maxlen=RECENT))
        self._recent.move_to_end(tenant)
        if len(self._recent) > MAX_TENANTS:
            self._recent.popitem(last=False)
        below = bisect_left(sorted(latest), value)
        is_known, latest_count = len(latest) >= LEAST, len(latest)
        latest.append(value)
        return is_known and below >= (1.0 - self.policy.share) * latest_count

    def _may_ask(self, principal: Principal, day: int) -> bool:
        name = principal.tenant, principal.user
        known_day, times = self._asked.pop(name, (day, 0))
        times = times if known_day == day else 0
        may = times < self.policy.per_day
        self._asked[name] = (day, times + may)
        if len(self._asked) > MAX_USERS:
            self._asked.popitem(last=False)
        return may
