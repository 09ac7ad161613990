"""Who is forgotten was never there: what all learners make of the rest is what they make of a log without them."""

from dataclasses import dataclass, replace
from functools import partial

import pytest
from headwater_feedback.adapters.join_rows import MemoryRows, TableJoinStates
from headwater_feedback.adapters.kafka_log import training_key
from headwater_feedback.domain.adapters import AdapterLearner, AdapterPolicy
from headwater_feedback.domain.bandits import BanditLearner, fusion_bandit
from headwater_feedback.domain.folds import TenantFold
from headwater_feedback.domain.join import Terms
from headwater_feedback.domain.opinions import people
from headwater_feedback.domain.ranker import RankerLearner, RankerPolicy
from headwater_feedback.handlers import Joining, JoinPolicy
from headwater_feedback.handlers.learning import Entry
from headwater_kit.codec.models import component_bytes
from headwater_kit.core.bytevectors import to_bytes
from headwater_kit.core.documents import ANONYMOUS, Position
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionRecorded, Reaction, UserForgotten
from headwater_kit.core.learning import FEATURES, Serving, ServingPolicy
from headwater_kit.core.pseudonyms import DAY_SECONDS, Pseudonyms
from headwater_kit.core.tenants import TenantErased
from headwater_kit.testing.clock import ManualClock
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.services.feedback.examples import World, at, shown
from unit.services.feedback.test_handlers import MemoryLog

KEY = Pseudonyms(b"a key of sixteen bytes", days=1)
TERMS = Terms(30.0, 100.0, KEY.of)
USERS = ("ann", "ben", "olga", ANONYMOUS)
POLICIES = (ServingPolicy.LEARN, ServingPolicy.EXPLOIT)
# Past a change of pseudonyms.
TIMES = (DAY_SECONDS - 20.0, DAY_SECONDS + 20.0)
VECTORS = [to_bytes(at(float(rank))) for rank in range(3)]
LATER = 10.0 * DAY_SECONDS


@dataclass(frozen=True)
class Said:
    """Who reacts to which list, how, and to which place of it."""

    user: str
    place: int
    reaction: Reaction
    rank: int
    value: float = 0.0


LISTS = st.lists(
    st.tuples(
        st.sampled_from(USERS), st.sampled_from(POLICIES), st.sampled_from((0.0, 0.1, 1.5)), st.sampled_from(TIMES)
    ),
    min_size=1,
    max_size=6,
)
REACTIONS = st.lists(
    st.one_of(
        st.builds(
            Said,
            st.sampled_from(USERS),
            st.integers(0, 5),
            st.sampled_from((Reaction.UP, Reaction.CLICK, Reaction.DOWN, Reaction.ABANDONED)),
            st.integers(1, 3),
        ),
        # Experts label what others were shown, too.
        st.builds(
            Said,
            st.sampled_from(("olga", "ben")),
            st.integers(0, 5),
            st.just(Reaction.EXPERT_LABEL),
            st.integers(1, 3),
            st.sampled_from((0.0, 3.0)),
        ),
    ),
    max_size=14,
)


def impression(number: int, user: str, policy: ServingPolicy, angle: float, time: float) -> ImpressionRecorded:
    made = shown("", ("a", "b", "c"), query=f"q {angle}", angle=angle, time=time + number, name=f"i{number}")
    features = [tuple(float((number + place + column) % 5) for column in range(len(FEATURES))) for place in range(3)]
    items = tuple(
        replace(item, features=row, log_propensity=-1.0 if item.rank < 3 else 0.0, vector=VECTORS[item.rank - 1])
        for item, row in zip(made.items, features, strict=True)
    )
    named = KEY.of("acme", user, made.show_time)
    serving = Serving(policy, arms={"fusion": "words"})
    return replace(made, user="" if named else user, pseudonym=named, items=items, serving=serving)


def reaction(number: int, said: Said, about: ImpressionRecorded) -> FeedbackRecorded:
    # Half of them within the time in which lists are closed, half as amendments.
    time = about.show_time + (5.0 if number % 2 else 60.0)
    return FeedbackRecorded(
        f"f{number}", about.impression_id, "acme", said.user, said.reaction, said.rank, time, said.value
    )


Events = list[tuple[str, ImpressionRecorded | FeedbackRecorded]]


def world() -> World:
    return World(
        learners=[
            partial(RankerLearner, policy=RankerPolicy(offer_every=1)),
            partial(BanditLearner, bandit=replace(fusion_bandit(), offer_every=1)),
            partial(AdapterLearner, policy=AdapterPolicy(min_questions=1, min_users=1, offer_every=1)),
        ]
    )


async def joined(events: Events) -> list[Entry]:
    """What the joiner makes of events: the lists, what is said soon, the closing, what is said later."""
    log, states = MemoryLog(), TableJoinStates(MemoryRows())
    joining = Joining(states, log, ManualClock(), JoinPolicy(TERMS))
    for is_late in (False, True):
        for name, event in events:
            late = isinstance(event, FeedbackRecorded) and int(event.feedback_id[1:]) % 2 == 0
            if late is is_late:
                await joining.take(name, event, 0.0)
        await joining.settle(lambda _: 2 * DAY_SECONDS)
    return [
        Entry("acme", training_key(one).encode(), Position(0, number), one) for number, one in enumerate(log.trained, 1)
    ]


def learned(fold: TenantFold | None) -> list[tuple[str, bytes]]:
    """The bytes of all that was learned."""
    if fold is None:
        return []
    memories = [one for name in sorted(fold.memory.names) if (one := fold.memory.published(name))]
    models = [trained.learned for _, trained in sorted(fold.models.items())]
    return [(one.component, component_bytes(one)) for one in (*memories, *models)]


def user_of(event: ImpressionRecorded | FeedbackRecorded) -> str:
    if isinstance(event, FeedbackRecorded):
        return event.user
    names = {KEY.of("acme", user, event.show_time): user for user in USERS if user != ANONYMOUS}
    return names.get(event.pseudonym, ANONYMOUS)


LABELLED = [
    Said("olga", 0, Reaction.EXPERT_LABEL, 3, 0.0),
    Said("ann", 0, Reaction.CLICK, 1),
    Said("ben", 0, Reaction.EXPERT_LABEL, 3, 0.0),
    Said("olga", 0, Reaction.EXPERT_LABEL, 2, 3.0),
]


@settings(max_examples=40, deadline=None)
@example([("ann", ServingPolicy.LEARN, 0.0, TIMES[0])], LABELLED, "olga")
@example([(ANONYMOUS, ServingPolicy.LEARN, 0.0, TIMES[0])], LABELLED, "ann")
@given(LISTS, REACTIONS, st.sampled_from(("ann", "ben", "olga")))
async def test_all_that_is_learned_is_what_is_learned_without_the_users_events(
    lists: list[tuple[str, ServingPolicy, float, float]], said: list[Said], user: str
) -> None:
    shows = [impression(number, *of) for number, of in enumerate(lists)]
    events: Events = [(one.impression_id, one) for one in shows]
    for number, one in enumerate(said):
        about = shows[one.place % len(shows)]
        events.append((about.impression_id, reaction(number, one, about)))
    of_user = {one.impression_id for one in shows if user_of(one) == user}
    others = [(name, event) for name, event in events if user_of(event) != user]

    forgetting = world()
    entries = await joined(events)
    for entry in entries:
        forgetting.learning.take(entry)
    for name in {user, *KEY.between("acme", user, 0.0, LATER)}:
        forgetting.conditions.forget(UserForgotten("acme", name, LATER))
    fold = forgetting.learning.fresh("acme")
    for entry in entries:
        forgetting.learning.fold(fold, entry)

    expected = world()
    for entry in await joined([(name, event) for name, event in others if name not in of_user]):
        expected.learning.take(entry)
    assert learned(fold) == learned(expected.learning.fold_of("acme"))


@given(st.permutations(["forget", "erase", "forget later"]), st.booleans())
async def test_who_is_forgotten_is_so_whichever_was_heard_of_first(order: list[str], is_future: bool) -> None:
    """Of an erased tenant, too: the two topics are read side by side."""
    made = World()
    for word in order:
        match word:
            case "forget":
                made.conditions.forget(UserForgotten("acme", "ann", 50.0))
            case "forget later":
                made.conditions.forget(UserForgotten("acme", "ben", 150.0))
            case "erase":
                for time in (10_000.0, 100.0) if is_future else (100.0,):
                    made.erasures.apply(TenantErased("acme", time))
    admitted = {
        (user, time): made.conditions.admits((await closed_of(user, time))[0].event)  # type: ignore[arg-type]
        for user in ("ann", "ben")
        for time in (20.0, 120.0, 200.0)
    }
    assert [name for name, is_in in admitted.items() if is_in] == [("ann", 120.0), ("ann", 200.0), ("ben", 200.0)]


async def closed_of(user: str, time: float) -> list[Entry]:
    return await joined([("i", shown(user, time=time, name="i"))])


@pytest.mark.parametrize("reader", ["ann", "olga"])
async def test_each_closed_list_is_the_doing_of_its_reader_and_one_more(reader: str) -> None:
    list_shown = impression(0, "ann", ServingPolicy.LEARN, 0.0, TIMES[0])
    said = [Said("ann", 0, Reaction.CLICK, 1), Said("olga", 0, Reaction.EXPERT_LABEL, 2, 3.0)]
    events: Events = [("i0", list_shown)]
    events += [("i0", reaction(2 * number + 1, one, list_shown)) for number, one in enumerate(said)]
    entries = [entry.event for entry in await joined(events) if entry.event]
    named = KEY.of("acme", reader, list_shown.show_time)
    left = [type(one).__name__ for one in entries if named not in people(one)]
    assert left == ([] if reader == "ann" else ["FeedbackJoined", "ImpressionClosed"])
