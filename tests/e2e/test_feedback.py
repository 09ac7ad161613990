"""What users think of what they were shown, and what the next search makes of it."""

import json
from collections.abc import Callable, Iterator

import pytest
from e2e.laptop import Laptop
from e2e.polling import until
from e2e.records import Records
from headwater.feedback.v1.feedback_pb2 import ListModelsRequest
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub
from headwater_client import Client, Found
from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import Reaction

QUESTION = "How do I reset the router?"
PARAPHRASE = "How can I reset my router?"
OTHER = "What does the warranty cover?"
DOCUMENTS = {
    "button": "To reset the router, hold the button on its back for ten seconds.",
    "page": "The router can be reset from its settings page, under Maintenance.",
    "phone": "Support can reset a router over the phone; have the serial number ready.",
    "warranty": "The warranty covers the power supply for two years.",
    "lamps": "A red lamp says that the line is down; a green one that all is well.",
}
# More than lies between the first two passages, whatever the weights.
VOTERS = 12
Vote = Callable[[str, str, int], object]


@pytest.fixture
def shown(laptop: Laptop, tenant: str) -> Iterator[Found]:
    """What the question shows before anybody said anything; to nobody known, so that anybody may vote on it."""
    with laptop.client(tenant, ANONYMOUS) as client:
        written = [client.upsert(document_id, text) for document_id, text in DOCUMENTS.items()]
        latest = {position.partition: position for position in sorted(written)}
        yield client.search(QUESTION, min_positions=list(latest.values()), wait_ms=30_000)


@pytest.fixture
def by_call(laptop: Laptop, tenant: str) -> Iterator[Vote]:
    """Votes for a rank of an impression, as a user, by RecordFeedback."""
    clients: list[Client] = []

    def vote(impression_id: str, user: str, rank: int) -> None:
        clients.append(laptop.client(tenant, user))
        clients[-1].react(impression_id, Reaction.UP, rank=rank)

    yield vote
    for client in clients:
        client.close()


@pytest.fixture
def by_event(records: Records, tenant: str) -> Vote:
    """The same as plain JSON on feedback.v1."""

    def vote(impression_id: str, user: str, rank: int) -> None:
        fields = {"impression_id": impression_id, "tenant": tenant, "user": user, "reaction": "up", "rank": rank}
        records.produce("feedback.v1", json.dumps(fields).encode(), impression_id.encode())

    return vote


def rank_of(client: Client, question: str, document_id: str) -> int:
    return next(p.rank for p in client.search(question).passages if p.document_id == document_id)


def boost_of(client: Client, question: str, document_id: str) -> float:
    found = next(p for p in client.search(question).passages if p.document_id == document_id)
    return found.parts.memory or 0.0


def votes_behind(laptop: Laptop, tenant: str) -> int:
    with laptop.channel("feedback") as channel:
        models = FeedbackServiceStub(channel).ListModels(
            ListModelsRequest(), metadata=[("headwater-tenant", tenant)], timeout=10
        )
    return sum(model.example_count for model in models.models)


@pytest.mark.parametrize("way", ["by_call", "by_event"])
def test_the_votes_of_several_users_raise_a_passage_for_the_question_and_its_paraphrase(
    request: pytest.FixtureRequest, client: Client, shown: Found, way: str
) -> None:
    vote: Vote = request.getfixturevalue(way)
    second = shown.passages[1]
    assert boost_of(client, PARAPHRASE, second.document_id) == 0.0
    unasked = [passage.document_id for passage in client.search(OTHER).passages]

    for number in range(VOTERS):
        vote(shown.impression_id, f"user-{number}", second.rank)
    until(lambda: rank_of(client, QUESTION, second.document_id) == 1, what="the passage's rise")
    assert boost_of(client, PARAPHRASE, second.document_id) > 0.0
    assert rank_of(client, PARAPHRASE, second.document_id) == 1
    # Questions of another kind are answered as before.
    assert [passage.document_id for passage in client.search(OTHER).passages] == unasked


def test_one_user_has_one_vote_however_often_it_is_cast(
    client: Client, laptop: Laptop, tenant: str, shown: Found, by_call: Vote, by_event: Vote
) -> None:
    second = shown.passages[1]
    for _ in range(5):
        by_call(shown.impression_id, "zealot", second.rank)
        by_event(shown.impression_id, "zealot", second.rank)
    # One impression's reactions are taken in order: once the last one counts, all before it do.
    by_call(shown.impression_id, "somebody else", second.rank)
    until(lambda: votes_behind(laptop, tenant) > 1, what="the second user's vote")
    assert votes_behind(laptop, tenant) == 2


def test_a_vote_on_an_answer_is_one_for_what_it_cites(
    client: Client, laptop: Laptop, tenant: str, shown: Found
) -> None:
    *_, answer = client.ask(QUESTION)
    assert isinstance(answer, AnswerGenerated)
    client.react(answer.answer_id, Reaction.UP)
    cited = {citation.passage.document_id for citation in answer.citations}
    assert cited
    until(lambda: all(boost_of(client, QUESTION, document_id) > 0.0 for document_id in cited), what="the boost")
    assert votes_behind(laptop, tenant) == len(cited)


def test_who_was_not_shown_a_list_has_no_vote_on_it(
    client: Client, laptop: Laptop, tenant: str, shown: Found, by_call: Vote
) -> None:
    own = client.search(QUESTION)
    by_call(own.impression_id, "somebody else", 2)
    # Taken in order, so once this vote counts, the other was looked at.
    client.react(own.impression_id, Reaction.UP, rank=2)
    until(lambda: votes_behind(laptop, tenant) > 0, what="the vote of whom the list was for")
    assert votes_behind(laptop, tenant) == 1


def test_another_tenants_votes_change_nothing(
    client: Client, laptop: Laptop, tenant: str, shown: Found, by_call: Vote
) -> None:
    second = shown.passages[1]
    for number in range(4):
        with laptop.client(f"{tenant}-other", f"user-{number}") as stranger:
            stranger.react(shown.impression_id, Reaction.UP, rank=second.rank)
    # Taken in order, so once this vote counts, the strangers' were looked at.
    by_call(shown.impression_id, "resident", second.rank)
    until(lambda: votes_behind(laptop, tenant) > 0, what="the resident's vote")
    assert votes_behind(laptop, tenant) == 1
    assert votes_behind(laptop, f"{tenant}-other") == 0
