from array import array
from math import cos, sin

from headwater_feedback.domain.memory import Cluster, PassageName, learn, nearest, published
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.impressions import (
    FeedbackJoined,
    FeedbackRecorded,
    ImpressionItem,
    ImpressionRecorded,
    Reaction,
)
from hypothesis import given
from hypothesis import strategies as st


def at(angle: float) -> bytes:
    return array("f", (cos(angle), sin(angle))).tobytes()


def joined(
    user: str = "ann", reaction: Reaction = Reaction.UP, time: float = 1.0, angle: float = 0.0, tenant: str = "acme"
) -> FeedbackJoined:
    item = ImpressionItem("chunk", "doc", 1, "hash", 1, 1.0, ScoreParts())
    shown = ImpressionRecorded("i", tenant, "x", "q", at(angle), "model", (item,), 0.0)
    return FeedbackJoined(FeedbackRecorded("f", "i", tenant, user, reaction, 1, time), shown, (item,))


def learned(*events: FeedbackJoined) -> Cluster:
    cluster = nearest(events[0], [])
    for event in events:
        cluster = learn(cluster, event)
    return cluster


def counts(cluster: Cluster) -> list[tuple[int, int]]:
    return [(votes.up, votes.down) for votes in published(cluster).votes]


def test_one_vote_a_user_and_passage() -> None:
    assert counts(learned(joined("ann"), joined("ann"), joined("ben"))) == [(2, 0)]


def test_a_users_last_word_counts() -> None:
    assert counts(learned(joined(time=1.0), joined(reaction=Reaction.DOWN, time=2.0))) == [(0, 1)]


@given(st.permutations([joined("ann", time=1.0), joined("ann", Reaction.DOWN, 2.0), joined("ben", time=3.0)]))
def test_the_order_of_arrival_does_not_matter(events: list[FeedbackJoined]) -> None:
    assert counts(learned(*events)) == [(1, 1)]


def test_a_paraphrase_joins_the_cluster_and_another_question_does_not() -> None:
    cluster = learned(joined())
    assert nearest(joined(angle=0.2), [cluster]) == cluster
    assert nearest(joined(angle=1.0), [cluster]).cluster_id != cluster.cluster_id


def test_clusters_are_not_shared_between_tenants_or_models() -> None:
    cluster = learned(joined())
    assert nearest(joined(tenant="other"), [cluster]).tenant == "other"
    other_model = Cluster("acme", "c", at(0.0), "older-model")
    assert nearest(joined(), [other_model]).model_id == "model"


def test_the_same_events_give_the_same_bytes() -> None:
    events = [joined("ann"), joined("ben", Reaction.DOWN)]
    assert published(learned(*events)) == published(learned(*events))


def test_voters_are_not_published_nor_kept_by_name() -> None:
    cluster = learned(joined("ann"))
    assert "ann" not in repr(cluster)
    assert list(cluster.votes) == [PassageName("doc", "hash")]
