"""The votes of one cluster of questions, and what of them is published."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from headwater_kit.core.learning import ClickMemory, PassageVotes

from headwater_feedback.domain.consensus import EXPERT_WEIGHT
from headwater_feedback.domain.opinions import PassageName, Strength, Vote

# A cluster remembers this many passages; those voted on longest ago go first.
MAX_PASSAGES = 64
# Votes kept a passage; past that, one more changes nothing that can be seen. The oldest go first.
MAX_VOTERS = 1_000
# What a vote on another version counts: the passage reads the same, and what is around it does not.
OLD_VERSION = 0.5
# Strangers count no more together than this, or than those who are measured: there can be any number of them.
STRANGERS_WEIGHT = 2.0
# So that sums do not differ by how a machine rounds.
DIGITS = 6
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Weight:
    """What a user's word counts, 1 being that of somebody unknown, and whether that was measured."""

    value: float
    is_measured: bool


@dataclass(frozen=True, slots=True)
class MemoryPolicy:
    """How votes become a memory.

    `min_users` who must have voted on a passage, those alone counted whose word
    counts, before the votes have an effect; an expert is enough. Votes lose half
    of their weight in `half_life_days`, by the time of the events.
    """

    min_users: int = 1
    half_life_days: float = 180.0


@dataclass(slots=True)
class Passage:
    """The votes on one passage, one a user; `version` is the newest of its document that it was shown of."""

    version: int = 0
    last_time: float = 0.0
    voters: dict[str, Vote] = field(default_factory=dict)


@dataclass(slots=True)
class Cluster:
    """A question, its paraphrases, and the votes on what they were shown. Owned by one task.

    Nothing in it depends on the order in which votes came.
    """

    tenant: str
    name: str
    centroid: bytes
    model_id: str
    min_cosine: float
    last_time: float = 0.0
    passages: dict[PassageName, Passage] = field(default_factory=dict)
    _uses: Counter[str] = field(default_factory=Counter)

    def put(self, name: PassageName, voter: str, vote: Vote) -> bool:
        """Takes a vote in, unless a stronger, or later, one of the same user is; returns whether anything changed."""
        passage = self.passages.setdefault(name, Passage())
        is_later = vote.time > self.last_time
        self.last_time = max(self.last_time, vote.time)
        passage.last_time = max(passage.last_time, vote.time)
        if not vote.outdoes(passage.voters.get(voter)):
            return is_later
        self._count(passage.voters, voter, -1)
        passage.voters[voter] = vote
        self._count(passage.voters, voter, 1)
        self._make_room(passage)
        return True

    def used_by(self, voter: str) -> int:
        """How many passages a user is for; at least 1."""
        return max(1, self._uses[voter])

    def shown(self, name: PassageName, version: int) -> bool:
        """Notes which version of its document a passage was shown of; returns whether that is newer than known."""
        passage = self.passages.get(name)
        if passage is None or version <= passage.version:
            return False
        passage.version = version
        return True

    def published(self, weigh: Callable[[str], Weight], policy: MemoryPolicy) -> ClickMemory:
        """What retrieve loads: counts and weights, no voters; the same votes give the same bytes."""
        now = self.last_time
        votes = (_counted(name, self.passages[name], weigh, policy, now) for name in sorted(self.passages))
        return ClickMemory(
            tenant=self.tenant,
            cluster_id=self.name,
            centroid=self.centroid,
            model_id=self.model_id,
            votes=tuple(votes),
            as_of=now,
            half_life_days=policy.half_life_days,
            min_cosine=self.min_cosine,
        )

    def _make_room(self, voted: Passage) -> None:
        if len(voted.voters) > MAX_VOTERS:
            eldest = min(voted.voters, key=lambda who: (voted.voters[who].time, who))
            self._count(voted.voters, eldest, -1)
            del voted.voters[eldest]
        if len(self.passages) > MAX_PASSAGES:
            gone = self.passages.pop(min(self.passages, key=lambda one: (self.passages[one].last_time, one)))
            for voter in gone.voters:
                self._count(gone.voters, voter, -1)

    def _count(self, voters: dict[str, Vote], voter: str, sign: int) -> None:
        vote = voters.get(voter)
        if vote is not None and vote.value > 0.0:
            self._uses[voter] += sign
            if not self._uses[voter]:
                del self._uses[voter]


@dataclass(slots=True)
class _Side:
    """The weights of those for a passage, or of those against it."""

    measured: float = 0.0
    strangers: float = 0.0

    def add(self, weight: float, *, is_measured: bool) -> None:
        if is_measured:
            self.measured += weight
        else:
            self.strangers += weight


def _counted(
    name: PassageName, passage: Passage, weigh: Callable[[str], Weight], policy: MemoryPolicy, now: float
) -> PassageVotes:
    up, down = _Side(), _Side()
    users = {True: 0, False: 0}
    heard, has_expert = 0, False
    for voter in sorted(passage.voters):
        vote = passage.voters[voter]
        weight, is_expert = weigh(voter), vote.strength is Strength.EXPERT
        users[vote.value > 0.0] += 1
        share = (EXPERT_WEIGHT if is_expert else weight.value) * abs(vote.value) * _age(vote, passage, policy, now)
        (up if vote.value > 0.0 else down).add(share, is_measured=is_expert or weight.is_measured)
        heard += is_expert or weight.value > 0.0
        has_expert |= is_expert
    is_heard = has_expert or heard >= policy.min_users
    weights = _trimmed(up, down) if is_heard else (0.0, 0.0)
    return PassageVotes(
        name.document_id, name.text_hash, users[True], users[False], *(round(each, DIGITS) for each in weights)
    )


def _trimmed(up: _Side, down: _Side) -> tuple[float, float]:
    """Both weights, with all strangers together held to what those who are measured have, or to little."""
    strangers, measured = up.strangers + down.strangers, up.measured + down.measured
    share = min(1.0, max(STRANGERS_WEIGHT, measured) / strangers) if strangers else 1.0
    return up.measured + up.strangers * share, down.measured + down.strangers * share


def _age(vote: Vote, passage: Passage, policy: MemoryPolicy, now: float) -> float:
    faded = 2.0 ** (-(now - vote.time) / (policy.half_life_days * DAY_SECONDS))
    return float(faded * (OLD_VERSION if vote.version < passage.version else 1.0))
