"""A stream of simulated users over the platform, and what came of it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from attackers import ATTACKS, campaign
from click_models import BINARY
from headwater_feedback.domain.lessons import LEARN_BUCKET
from headwater_kit.core.learning import ServingPolicy
from headwater_retrieve.domain.asking import DEPTH
from headwater_retrieve.domain.policy import LearningPolicy as ServingShares
from simulated import LAYERS, Platform, Shown, World

USERS = 200
# Where users may be malicious, so many of the questions asked are gold.
GOLD_SHARE = 0.1
VECTORS = {"learn": LEARN_BUCKET, "all": frozenset(ServingPolicy)}
# Of the lists, those whose users are asked to rate a passage, where they are.
ASKED_SHARE = 0.2
STATIC = ServingShares(is_on=False)
# Newcomers of a sybil burst come within an hour, from so far into the stream.
BURST_BEGINS = 0.5
BURST_PACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Stream:
    """How it goes: users by a click model, lists in all, a seed; of the users a share attacks.

    `by_topic`: the first half of the stream asks questions of one topic alone, the second half of another.
    `gold`: share of the questions asked whose answers the platform knows.
    `vectors`: of which lists adapters get the passages' vectors, of those drawn or of all.
    `asked`: where users do nothing but rate when they are asked to: by what it teaches ("worth"), or as often of any
    list and any of its first passages ("chance").
    """

    model: str = "navigational"
    impressions: int = 1_000
    seed: int = 0
    layers: tuple[str, ...] = LAYERS
    attack: str = ""
    malicious: float = 0.0
    checkpoints: tuple[int, ...] = ()
    shown: int = 10
    by_topic: bool = False
    gold: float = 0.0
    vectors: str = "learn"
    asked: str = ""

    @property
    def name(self) -> str:
        """Tells it from others."""
        return "-".join(str(value).replace("'", "") for value in asdict(self).values())


@dataclass(slots=True)
class Outcome:
    """nDCG@10: before anything was learned, at each checkpoint by question, and of the lists as they were shown.

    `online`: a pair a list, as shown and as it would have been before. `replays`: hashes of five
    folds of the same examples.
    """

    seen: list[str]
    unseen: list[str]
    static: dict[str, float]
    learned: dict[str, dict[str, float]] = field(default_factory=dict)
    online: list[tuple[float, float]] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)
    ratings: int = 0


async def run(world: World, stream: Stream, replays: int = 0) -> Outcome:
    """Shows the lists, one after the other, each followed by what its user does."""
    rng = random.Random(f"{stream.seed}")
    seen, unseen = split(sorted(world.labelled.questions), rng)
    topics = halves(world, seen) if stream.by_topic else (seen, seen)
    gold = [key for key in seen if rng.random() < stream.gold]
    platform = Platform(
        world, stream.layers, shown=stream.shown, gold=gold, vectors=VECTORS[stream.vectors], asked=ASKED_SHARE
    )
    if not world.static:
        world.static.update(await judged(Platform(world, (), shares=STATIC), sorted(world.labelled.questions)))
    outcome = Outcome(topics[0], unseen, dict(world.static))
    evil = campaign(seen, gold, list(world.labelled.passages), rng)
    for number in range(stream.impressions):
        key = rng.choice(topics[2 * number >= stream.impressions])
        user, is_evil, pace = who(stream, number, rng)
        shown = await platform.show(key, user)
        outcome.online.append((shown.ndcg, outcome.static[key]))
        if stream.asked:
            platform.react(shown, (), ratings(stream, shown, outcome, rng))
            await platform.pause(pace)
            await checked(platform, outcome, stream, number, (*seen, *unseen))
            continue
        clicks = ATTACKS[stream.attack](shown, evil, rng) if is_evil else BINARY[stream.model].clicks(shown.grades, rng)
        platform.react(shown, clicks)
        await platform.pause(pace)
        await checked(platform, outcome, stream, number, (*seen, *unseen))
    outcome.replays = [platform.replayed() for _ in range(replays)]
    return outcome


async def checked(platform: Platform, outcome: Outcome, stream: Stream, number: int, questions: Sequence[str]) -> None:
    """Judges what was learned by now, at checkpoints."""
    if number + 1 in stream.checkpoints:
        outcome.learned[str(number + 1)] = await judged(platform, questions)


def ratings(stream: Stream, shown: Shown, outcome: Outcome, rng: random.Random) -> Mapping[int, float]:
    """What a user who is asked says of a passage: 5 where it answers, or else 1."""
    wanted = shown.rating_wanted
    if stream.asked == "chance":
        wanted = rng.randint(1, DEPTH) if rng.random() < ASKED_SHARE else 0
    outcome.ratings += wanted > 0
    return {wanted: 5.0 if shown.grades[wanted - 1] else 1.0} if wanted else {}


async def judged(platform: Platform, questions: Sequence[str]) -> dict[str, float]:
    """NDCG@10 of the best lists known."""
    return {key: (await platform.best(key)).ndcg for key in questions}


def who(stream: Stream, number: int, rng: random.Random) -> tuple[str, bool, float]:
    """Who asks next, whether with evil in mind, and how long it takes until the next one does."""
    if stream.attack == "sybil":
        # As many lists as in the other attacks, all from newcomers and at once.
        begin = int(stream.impressions * BURST_BEGINS)
        if begin <= number < begin + stream.malicious * stream.impressions:
            return f"newcomer-{number}", True, BURST_PACE_SECONDS
        return f"user-{rng.randrange(USERS)}", False, 60.0
    user = rng.randrange(USERS)
    return f"user-{user}", user < stream.malicious * USERS, 60.0


def split(questions: Sequence[str], rng: random.Random) -> tuple[list[str], list[str]]:
    """Half of the questions are asked, the others are not."""
    mixed = list(questions)
    rng.shuffle(mixed)
    middle = len(mixed) // 2
    return mixed[:middle], mixed[middle:]


def halves(world: World, questions: Sequence[str]) -> tuple[list[str], list[str]]:
    """Two topics: the questions nearest to each of the two that are farthest from each other."""
    vectors = {key: world.vector(world.labelled.questions[key]) for key in questions}
    one, other = min(
        ((a, b) for a in questions for b in questions if a < b),
        key=lambda pair: float(vectors[pair[0]] @ vectors[pair[1]]),
    )
    leaning = {key: float(vectors[key] @ (vectors[one] - vectors[other])) for key in questions}
    ordered = sorted(questions, key=lambda key: -leaning[key])
    middle = len(ordered) // 2
    return ordered[:middle], ordered[middle:]


def lift(outcome: Outcome, checkpoint: str, questions: Sequence[str]) -> float:
    """How much better the questions' lists are than before, as a share of what they were."""
    before = sum(outcome.static[key] for key in questions)
    return sum(outcome.learned[checkpoint][key] for key in questions) / before - 1.0


def differences(outcomes: Sequence[Outcome], checkpoint: str, part: str) -> Mapping[tuple[int, str], float]:
    """By seed and question, how much a list gained: what a paired bootstrap draws from."""
    return {
        (seed, key): outcome.learned[checkpoint][key] - outcome.static[key]
        for seed, outcome in enumerate(outcomes)
        for key in getattr(outcome, part)
    }
