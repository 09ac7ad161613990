"""The click memory of one tenant: what users made of what they were shown, weighed by how far each is believed."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.impressions import FeedbackJoined, FeedbackRecorded, ImpressionRecorded
from headwater_kit.core.learning import ClickMemory, GoldQuestion
from headwater_kit.core.questions import question_key

from headwater_feedback.domain.bursts import Velocity, VelocityPolicy
from headwater_feedback.domain.clusters import Cluster, MemoryPolicy, Weight
from headwater_feedback.domain.consensus import Rounds, beliefs
from headwater_feedback.domain.leaders import Leader, Leaders, Likeness, unit
from headwater_feedback.domain.opinions import (
    Ballot,
    Example,
    PassageName,
    Strength,
    Vote,
    ballots,
    event_time,
)
from headwater_feedback.domain.trust import CERTAIN, STEPS, Standing, Standings

# Clusters a tenant has; that without a vote for longest goes first.
MAX_CLUSTERS = 10_000
# From this grade on a gold label says that a passage answers.
ANSWERS_GRADE = 2

VELOCITY = "VELOCITY"
SYBIL_BURST = "SYBIL_BURST"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A reaction that is held without effect; `reason` is a code, `detail` says it in words."""

    feedback: FeedbackRecorded
    reason: str
    detail: str


@dataclass(slots=True)
class Learnt:
    """What an example changed: clusters by name, and alarms that it set off."""

    clusters: set[str] = field(default_factory=set)
    alarms: list[Alarm] = field(default_factory=list)


class TenantMemory:
    """Learns from the examples of one tenant, in their order. Owned by one task.

    The same examples in the same order, with the same gold questions, give the
    same memory, byte for byte.
    """

    def __init__(
        self,
        policy: MemoryPolicy,
        velocity: VelocityPolicy,
        gold: Mapping[str, GoldQuestion] | None = None,
    ) -> None:
        self._policy = policy
        self._velocity = Velocity(velocity)
        self._gold = gold or {}
        self._clusters: dict[str, Cluster] = {}
        self._leaders: dict[tuple[str, int], Leaders] = {}
        self._likeness: dict[tuple[str, int], Likeness] = {}
        self._standings = Standings()
        self._rounds = Rounds()
        self._votes_of: defaultdict[str, set[tuple[str, PassageName]]] = defaultdict(set)

    @property
    def names(self) -> Iterable[str]:
        """The clusters by name."""
        return self._clusters.keys()

    def published(self, name: str) -> ClickMemory | None:
        """A cluster as it is to be served; None if there is none of that name."""
        cluster = self._clusters.get(name)
        return cluster.published(self._weight, self._policy) if cluster else None

    def trust(self) -> Mapping[str, float]:
        """What each user's votes count now."""
        return {voter: self._weight(voter).value for voter in self._standings}

    def take(self, example: Example) -> Learnt:
        """Takes the next example in."""
        learnt = Learnt()
        cast = self._watched(example, ballots(example), learnt)
        shown = example.impression
        vector = unit(shown.query_vector)
        # A question that no encoder could read has no vector, and so no paraphrases to share a memory with.
        if vector is None:
            return learnt
        self._likeness.setdefault((shown.model_id, len(vector)), Likeness()).learn(question_key(shown.query), vector)
        cluster = self._cluster(shown, vector, learnt) if cast else self._known(shown, vector)
        if cluster is not None:
            self._take_versions(cluster, shown, learnt)
            for ballot in cast:
                self._vote(cluster, ballot, learnt)
        for name, passage in self._rounds.next(self._count):
            self._compare(self._clusters[name], passage, learnt)
        return learnt

    def _watched(self, example: Example, cast: tuple[Ballot, ...], learnt: Learnt) -> tuple[Ballot, ...]:
        """The ballots that count at all; those of gold questions, and those that set off an alarm, taken note of."""
        question = self._gold.get(question_key(example.impression.query))
        for ballot in cast:
            if question is not None:
                self._measure(question, ballot, learnt)
        if not isinstance(example, FeedbackJoined):
            return cast
        feedback, time = example.feedback, event_time(example.feedback, example.impression)
        if feedback.user == ANONYMOUS:
            return cast  # any number of people, with one vote in all
        if self._velocity.reacted(feedback.user, time):
            learnt.alarms.append(Alarm(feedback, VELOCITY, "more reactions within a minute than a person has"))
            return ()
        self._look_for_burst(feedback, cast, learnt)
        return cast

    def _look_for_burst(self, feedback: FeedbackRecorded, cast: tuple[Ballot, ...], learnt: Learnt) -> None:
        for ballot in cast:
            document_id, vote = ballot.passage.document_id, ballot.vote
            burst = self._velocity.voted(feedback.user, document_id, vote.time, is_for=vote.value > 0.0)
            strangers = (voter for voter in burst if not self._standings[voter].is_measured)
            fresh = sorted(voter for voter in strangers if not self._standings[voter].is_suspect)
            if fresh:
                detail = f"{len(burst)} newcomers came within an hour for one document"
                learnt.alarms.append(Alarm(feedback, SYBIL_BURST, detail))
            for voter in fresh:
                self._change(voter, learnt, _suspect)

    def _measure(self, question: GoldQuestion, ballot: Ballot, learnt: Learnt) -> None:
        passage, is_for = (question_key(question.query), ballot.passage), ballot.vote.value > 0.0
        if ballot.vote.strength is Strength.PASSED and passage in self._standings[ballot.voter].gold.said:
            return  # what was used once may be passed over the next time
        belief = CERTAIN if _is_relevant(question, ballot.passage) else -CERTAIN

        def change(one: Standing) -> bool:
            return any([one.gold.say(passage, is_for=is_for), one.gold.believe(passage, belief)])

        self._change(ballot.voter, learnt, change)

    def _vote(self, cluster: Cluster, ballot: Ballot, learnt: Learnt) -> None:
        before, place = set(cluster.passages), (cluster.name, ballot.passage)
        if not cluster.put(ballot.passage, ballot.voter, ballot.vote):
            return
        learnt.clusters.add(cluster.name)
        for gone in before - set(cluster.passages):
            self._let_go(cluster.name, gone, ())
        if ballot.passage in cluster.passages:
            cluster.shown(ballot.passage, ballot.vote.version)
            self._votes_of[ballot.voter].add(place)
            if ballot.passage not in before:
                self._rounds.add(place)
            is_for = cluster.passages[ballot.passage].voters[ballot.voter].value > 0.0
            self._change(ballot.voter, learnt, lambda one: one.agreement.say(place, is_for=is_for))
            self._compare(cluster, ballot.passage, learnt)

    def _compare(self, cluster: Cluster, name: PassageName, learnt: Learnt) -> None:
        """Holds each vote on a passage against what the others say."""
        votes, place = cluster.passages[name].voters, (cluster.name, name)

        def weigh(voter: str, vote: Vote) -> tuple[int, bool]:
            standing = self._standings[voter]
            # Who is for many passages of a question says the less of each.
            return standing.weight // (cluster.used_by(voter) if vote.value > 0.0 else 1), standing.is_measured

        for voter, belief in list(beliefs(votes, weigh)):
            self._believe(voter, place, belief, learnt)
        experts = {vote.value > 0.0 for vote in votes.values() if vote.strength is Strength.EXPERT}
        for voter, vote in votes.items() if len(experts) == 1 else ():
            if self._standings[voter].is_suspect and {vote.value > 0.0} == experts:
                self._change(voter, learnt, _confirm)

    def _believe(self, voter: str, place: tuple[str, PassageName], belief: int, learnt: Learnt) -> None:
        self._change(voter, learnt, lambda one: one.agreement.believe(place, belief))

    def _count(self, place: tuple[str, PassageName]) -> int:
        """How many voted on a passage; 0 if it is remembered no longer."""
        cluster = self._clusters.get(place[0])
        passage = cluster.passages.get(place[1]) if cluster else None
        return len(passage.voters) if passage else 0

    def _change(self, voter: str, learnt: Learnt, change: Callable[[Standing], bool]) -> None:
        """Changes a user's standing; where that changes what the user's votes count, the clusters change with it."""
        standing = self._standings[voter]
        before = self._weight(voter)
        if not change(standing):
            return
        standing.settle()
        if self._weight(voter) != before:
            learnt.clusters.update(name for name, _ in self._votes_of[voter])

    def _cluster(self, shown: ImpressionRecorded, vector: tuple[float, ...], learnt: Learnt) -> Cluster:
        return self._known(shown, vector) or self._new(shown, vector, learnt)

    def _known(self, shown: ImpressionRecorded, vector: tuple[float, ...]) -> Cluster | None:
        leaders = self._leaders.get((shown.model_id, len(vector)))
        found = leaders.nearest(vector) if leaders else None
        return self._clusters[found] if found is not None else None

    def _new(self, shown: ImpressionRecorded, vector: tuple[float, ...], learnt: Learnt) -> Cluster:
        space = (shown.model_id, len(vector))
        name = hashlib.blake2b(shown.query_vector + shown.model_id.encode(), digest_size=8).hexdigest()
        cluster = Cluster(shown.tenant, name, shown.query_vector, shown.model_id, self._likeness[space].min_cosine)
        self._leaders.setdefault(space, Leaders(len(vector))).add(Leader(name, vector, cluster.min_cosine))
        self._clusters[name] = cluster
        if len(self._clusters) > MAX_CLUSTERS:
            self._evict(name, learnt)
        return cluster

    def _evict(self, newest: str, learnt: Learnt) -> None:
        others = (one for one in self._clusters.values() if one.name != newest)
        oldest = min(others, key=lambda one: (one.last_time, one.name))
        del self._clusters[oldest.name]
        self._leaders[(oldest.model_id, len(oldest.centroid) // 4)].drop(oldest.name)
        for name, passage in oldest.passages.items():
            self._let_go(oldest.name, name, passage.voters)
        learnt.clusters.add(oldest.name)

    def _let_go(self, cluster: str, passage: PassageName, voters: Iterable[str]) -> None:
        """Forgets who voted on a passage that is remembered no longer; what it taught of them stays."""
        for voter in voters or [who for who, places in self._votes_of.items() if (cluster, passage) in places]:
            self._votes_of[voter].discard((cluster, passage))

    def _take_versions(self, cluster: Cluster, shown: ImpressionRecorded, learnt: Learnt) -> None:
        for item in shown.items:
            if cluster.shown(PassageName(item.document_id, item.text_hash), item.version):
                learnt.clusters.add(cluster.name)

    def _weight(self, voter: str) -> Weight:
        standing = self._standings[voter]
        # Where nobody can be measured, nobody is a stranger.
        return Weight(standing.weight / STEPS, standing.is_measured or not self._gold)


def _is_relevant(question: GoldQuestion, passage: PassageName) -> bool:
    """Whether it answers: by the label of the passage, or else of its document; what has no label does not."""
    grades = {label.text_hash: label.grade for label in question.labels if label.document_id == passage.document_id}
    return grades.get(passage.text_hash, grades.get("", 0)) >= ANSWERS_GRADE


def _suspect(standing: Standing) -> bool:
    standing.is_suspect = True
    return True


def _confirm(standing: Standing) -> bool:
    standing.confirmed = True
    return True
