"""Click memory: near questions only, this tenant and model only, bounded, nothing that was not retrieved."""

from array import array

import pytest
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import ClickMemory, PassageVotes
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.memory import Memory, MemoryPolicy
from hypothesis import given
from hypothesis import strategies as st

POLICY = MemoryPolicy(min_cosine=0.85, max_boost=1.5, prior_votes=2.0)


def vector(*numbers: float) -> bytes:
    return array("f", numbers).tobytes()


EAST, NORTH, NEAR_EAST, NORTH_EAST = vector(1, 0), vector(0, 1), vector(0.96, 0.28), vector(0.7071, 0.7071)


def cluster(name: str, centroid: bytes, *votes: PassageVotes, tenant: str = "t", model: str = "m") -> ClickMemory:
    return ClickMemory(tenant, name, centroid, model, votes)


def candidate(name: str, score: float) -> Candidate:
    chunk = Chunk(name, 0, name, (), 0, 1, 1, f"hash-{name}")
    return Candidate(Passage(chunk, name, 1, DocumentInfo()), score, None, score)


def vote(name: str, up: int, down: int = 0) -> PassageVotes:
    return PassageVotes(name, f"hash-{name}", up, down)


@pytest.fixture
def memory() -> Memory:
    memory = Memory(POLICY)
    memory.put(b"east", cluster("east", EAST, vote("b", up=3)))
    memory.put(b"north", cluster("north", NORTH, vote("c", up=3)))
    return memory


def test_votes_raise_a_passage_for_a_paraphrase(memory: Memory) -> None:
    votes = memory.recall("t", "m", NEAR_EAST)
    ranked = memory.apply([candidate("a", 2.0), candidate("b", 1.5)], votes)
    assert [c.passage.document_id for c in ranked] == ["b", "a"]
    assert ranked[0].memory == pytest.approx(0.9)
    assert ranked[1].memory is None


@pytest.mark.parametrize(("tenant", "model", "query"), [("t", "m", NORTH_EAST), ("u", "m", EAST), ("t", "n", EAST)])
def test_far_questions_other_tenants_and_other_models_recall_nothing(
    memory: Memory, tenant: str, model: str, query: bytes
) -> None:
    assert memory.recall(tenant, model, query) == {}


def test_nothing_comes_in_that_was_not_retrieved(memory: Memory) -> None:
    ranked = memory.apply([candidate("a", 2.0)], memory.recall("t", "m", EAST))
    assert [c.passage.document_id for c in ranked] == ["a"]


def test_votes_against_lower_a_passage() -> None:
    memory = Memory(POLICY)
    memory.put(b"k", cluster("k", EAST, vote("a", up=0, down=3)))
    ranked = memory.apply([candidate("a", 2.0), candidate("b", 1.5)], memory.recall("t", "m", EAST))
    assert [c.passage.document_id for c in ranked] == ["b", "a"]


def test_a_replaced_or_withdrawn_cluster_is_forgotten(memory: Memory) -> None:
    memory.put(b"east", cluster("east", EAST, vote("z", up=1)))
    assert set(memory.recall("t", "m", EAST)) == {("z", "hash-z")}
    memory.drop(b"east")
    memory.drop(b"east")
    assert memory.recall("t", "m", EAST) == {}
    assert memory.recall("t", "m", NORTH)


def test_the_same_text_elsewhere_is_another_passage(memory: Memory) -> None:
    votes = memory.recall("t", "m", EAST)
    assert ("other-document", "hash-b") not in votes


@pytest.mark.parametrize("centroid", [b"", b"123", vector(1, 0, 0)])
def test_a_centre_of_another_length_is_refused(memory: Memory, centroid: bytes) -> None:
    with pytest.raises(InvalidInput):
        memory.put(b"bad", cluster("bad", centroid, vote("a", up=1)))
    assert memory.recall("t", "m", EAST)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_the_boost_is_bounded_odd_and_monotone(up: int, down: int) -> None:
    boost = POLICY.boost(PassageVotes("d", "h", up, down))
    assert -POLICY.max_boost <= boost <= POLICY.max_boost
    assert boost == pytest.approx(-POLICY.boost(PassageVotes("d", "h", down, up)))
    assert POLICY.boost(PassageVotes("d", "h", up + 1, down)) >= boost
