"""What the click memory gains from users' reactions, and what of it is left when some of them mean harm.

    python bench/defences.py [--impressions 1000] [--seeds 5] [--share 0.2] [--clicks navigational] [--gold 0.1]

Questions with one to three relevant passages among twenty are asked again and
again, by a Zipf law, by users who open what they are shown as a published click
model says (perfect, navigational, informational, near-random: Guo et al., "Efficient
multiple-click models in web search", WSDM 2009, with the constants of Hofmann et
al., "Reusing historical interaction data", WSDM 2013). The lists are made by
what was published before, with the very code of feedback (the fold) and of
retrieve (the boosts); a share of the questions are gold ones. Prints JSON: nDCG@10
over all questions before and after, the gain, and the share of the gain kept
under each attack, with the same number of impressions in all:

- `invert` opens what is not relevant; `promote` opens one document wherever it
  stands; `burst`: as many newcomers vote for that document within minutes as
  there are malicious users, once, in every frequent question; `adaptive` behaves
  on gold questions as any good user does and inverts on all others.
"""

import argparse
import json
import math
import random
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from headwater_feedback.domain.bursts import VelocityPolicy
from headwater_feedback.domain.clusters import MemoryPolicy
from headwater_feedback.domain.memory import TenantMemory
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionClosed,
    ImpressionItem,
    ImpressionRecorded,
    Judgement,
    Reaction,
)
from headwater_kit.core.learning import GoldLabel, GoldQuestion
from headwater_kit.core.questions import question_key
from headwater_retrieve.domain import memory as retrieve

QUESTIONS, GOLD_QUESTIONS, CANDIDATES, USERS, SHOWN = 60, 15, 20, 60, 10
SECONDS_APART = 20.0
TARGET = "target"
# Probability of opening what is not relevant and what is, and of stopping after having opened it.
CLICKS = {
    "perfect": ((0.0, 1.0), (0.0, 0.0)),
    "navigational": ((0.05, 0.95), (0.2, 0.9)),
    "informational": ((0.4, 0.9), (0.1, 0.5)),
    "near-random": ((0.4, 0.6), (0.5, 0.5)),
}
ATTACKS = ("none", "invert", "promote", "burst", "adaptive")


@dataclass
class Question:
    """A question, its candidates with their fused scores, which of them are relevant, and whether that is known."""

    name: str
    vector: bytes
    scores: dict[str, float]
    relevant: frozenset[str]
    is_gold: bool


@dataclass
class Case:
    """One stream: who asks, and what harm they mean."""

    clicks: str
    attack: str
    share: float
    impressions: int
    min_users: int
    gold: float
    questions: list[Question] = field(default_factory=list)


def questions(rng: random.Random) -> list[Question]:
    """Questions whose relevant passages score better than others in the mean; not always."""
    made = []
    for number in range(QUESTIONS + GOLD_QUESTIONS):
        relevant = frozenset(f"{number}-{at}" for at in range(rng.randint(1, 3)))
        names = [f"{number}-{at}" for at in range(CANDIDATES - 1)]
        scores = {name: rng.gauss(4.0 if name in relevant else 2.6, 1.2) for name in names}
        scores[TARGET] = rng.gauss(2.6, 1.2)
        vector = array("f", [rng.gauss(0.0, 1.0) for _ in range(64)]).tobytes()
        made.append(Question(f"question {number}", vector, scores, relevant, number >= QUESTIONS))
    return made


def run(case: Case, seed: int) -> tuple[float, float, float, dict[str, int]]:
    """nDCG@10 before, at the end, and of the lists as they were shown; and how many alarms went."""
    rng = random.Random(seed)
    case.questions = questions(rng)
    gold = {
        question_key(each.name): GoldQuestion(
            "t", each.name, tuple(GoldLabel(one, 3) for one in sorted(each.relevant)), "", 0.0
        )
        for each in case.questions
        if each.is_gold and case.gold
    }
    learned = TenantMemory(MemoryPolicy(min_users=case.min_users), VelocityPolicy(), gold)
    served = retrieve.Memory(retrieve.MemoryPolicy())
    policy = retrieve.MemoryPolicy()
    alarms: dict[str, int] = {}
    shown: list[float] = []

    def ranked(question: Question) -> list[str]:
        votes = served.recall("t", "m", question.vector)

        def score(name: str) -> float:
            found = votes.get((name, f"h{name}"))
            return question.scores[name] + (policy.boost(found) if found else 0.0)

        return sorted(question.scores, key=lambda name: (-score(name), name))

    def learn(example: FeedbackJoined | ImpressionClosed) -> None:
        learnt = learned.take(example)
        for name in learnt.clusters:
            found = learned.published(name)
            if found:
                served.put(name.encode(), found)
        for alarm in learnt.alarms:
            alarms[alarm.reason] = alarms.get(alarm.reason, 0) + 1

    before = fmean(ndcg(ranked(each), each.relevant) for each in case.questions[:QUESTIONS])
    for number, (user, question, opens) in enumerate(stream(case, rng)):
        order = ranked(question)[:SHOWN]
        shown.append(ndcg(order, question.relevant))
        for example in examples(number, user, question, order, opens(order, question)):
            learn(example)
    after = fmean(ndcg(ranked(each), each.relevant) for each in case.questions[:QUESTIONS])
    return before, after, fmean(shown), alarms


Opens = Callable[[Sequence[str], Question], "tuple[list[int], int]"]


def stream(case: Case, rng: random.Random) -> Iterator[tuple[str, Question, Opens]]:
    """Who asks what, and how they look at the list: which places they open, and how far down they look."""
    weights = [1.0 / (place + 1) for place in range(QUESTIONS)]
    known = case.questions[QUESTIONS:]
    good = honest(case.clicks, rng)
    bad = malicious(case, rng, good)
    is_burst = case.attack == "burst"
    for number in range(case.impressions):
        is_known = rng.random() < case.gold
        question = rng.choice(known) if is_known else rng.choices(case.questions[:QUESTIONS], weights)[0]
        who = rng.randrange(USERS)
        is_bad = case.attack != "none" and not is_burst and who < case.share * USERS
        yield f"user-{who}", question, bad if is_bad else good
        if is_burst and number == case.impressions // 2:
            for sybil in range(int(case.share * USERS / (1 - case.share))):
                for each in case.questions[:5]:
                    yield f"sybil-{sybil}", each, bad


def honest(clicks: str, rng: random.Random) -> Opens:
    """A cascade: from the top down, until what was opened is enough."""
    (open_other, open_good), (stop_other, stop_good) = CLICKS[clicks]

    def opens(order: Sequence[str], question: Question) -> tuple[list[int], int]:
        opened = []
        for place, name in enumerate(order):
            is_good = name in question.relevant
            if rng.random() < (open_good if is_good else open_other):
                opened.append(place)
                if rng.random() < (stop_good if is_good else stop_other):
                    return opened, place + 1
        return opened, len(order)

    return opens


def malicious(case: Case, rng: random.Random, good: Opens) -> Opens:
    """Who means harm."""

    def invert(order: Sequence[str], question: Question) -> tuple[list[int], int]:
        others = [place for place, name in enumerate(order) if name not in question.relevant]
        return sorted(rng.sample(others, min(3, len(others)))), len(order)

    def promote(order: Sequence[str], _: Question) -> tuple[list[int], int]:
        return [place for place, name in enumerate(order) if name == TARGET], len(order)

    def adaptive(order: Sequence[str], question: Question) -> tuple[list[int], int]:
        return good(order, question) if question.is_gold else invert(order, question)

    return {"invert": invert, "promote": promote, "burst": promote, "adaptive": adaptive}.get(case.attack, good)


def examples(
    number: int, user: str, question: Question, order: Sequence[str], looked: tuple[list[int], int]
) -> Iterator[FeedbackJoined | ImpressionClosed]:
    """What the joiner makes of it: each opening at once, and the list when it is closed."""
    opened, depth = looked
    time = number * SECONDS_APART
    items = tuple(
        ImpressionItem(f"c{name}", name, 1, f"h{name}", place + 1, 0.0, ScoreParts())
        for place, name in enumerate(order)
    )
    impression_id = f"{number} {user} {question.name}"
    shown = ImpressionRecorded(impression_id, "t", user, question.name, question.vector, "m", items, time)
    for place in opened:
        said = FeedbackRecorded(f"{place}", impression_id, "t", user, Reaction.CLICK, place + 1, time + 1.0)
        yield FeedbackJoined(said, shown, (items[place],))
    # The joiner knows where the last opening was, and not how far a user looked: one more below it, or all of none.
    seen = min(opened[-1] + 2, len(order)) if opened else 0
    judged = tuple(
        Judgement(
            place + 1,
            1.0 if place in opened else 0.0,
            examined=place < seen,
            reactions=(Reaction.CLICK,) if place in opened else (),
        )
        for place in range(len(order))
    )
    del depth
    yield ImpressionClosed(shown, judged, 0, time + 1800.0)


def ndcg(order: Sequence[str], relevant: frozenset[str]) -> float:
    """nDCG@10 with relevant or not."""
    found = sum(1.0 / math.log2(place + 2) for place, name in enumerate(order[:10]) if name in relevant)
    return found / sum(1.0 / math.log2(place + 2) for place in range(min(10, len(relevant))))


def main() -> None:
    """Runs all attacks and prints what is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--impressions", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.2, help="of the users who are malicious")
    parser.add_argument("--clicks", choices=CLICKS, default="navigational")
    parser.add_argument("--attacks", default=",".join(ATTACKS))
    parser.add_argument("--min-users", type=int, default=3)
    parser.add_argument("--gold", type=float, default=0.1, help="share of the questions that are gold ones")
    chosen = parser.parse_args()
    gains: dict[str, float] = {}
    for attack in chosen.attacks.split(","):
        case = Case(chosen.clicks, attack, chosen.share, chosen.impressions, chosen.min_users, chosen.gold)
        runs = [run(case, seed) for seed in range(chosen.seeds)]
        before, after, shown = (fmean(each[at] for each in runs) for at in range(3))
        gains[attack] = after - before
        print(
            json.dumps(
                {
                    "clicks": chosen.clicks,
                    "attack": attack,
                    "malicious": chosen.share if attack != "none" else 0.0,
                    "impressions": chosen.impressions,
                    "before": round(before, 4),
                    "after": round(after, 4),
                    "shown": round(shown, 4),
                    "gain": f"{(after / before - 1):+.1%}",
                    "kept": round(gains[attack] / gains["none"], 3) if gains.get("none") else None,
                    "alarms": {reason: sum(each[3].get(reason, 0) for each in runs) for reason in runs[0][3]},
                }
            )
        )


if __name__ == "__main__":
    main()
