"""Searches by the client, on a service in this process: what is asked arrives, what is found comes back."""

from collections.abc import AsyncIterator

import pytest
from headwater.retrieve.v1 import retrieve_pb2
from headwater_client import AsyncClient, Found, SearchRequest
from headwater_kit.codec.cascade import cascade_from_proto
from headwater_kit.codec.filters import filter_from_proto
from headwater_kit.codec.shape import shape_from_proto, shape_to_proto
from headwater_kit.core.cascade import Cascade, Standing
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import Compare, Operator
from headwater_kit.core.presentation import Span
from headwater_kit.core.shape import Facet, FacetCount, Folding, Recency, Shape
from hypothesis import given
from hypothesis import strategies as st
from unit.libs.tiny_platform import STAGES, TinyPlatform, running

SHAPE = Shape(Folding.NEAR, 800, 2, 0.3, True, False, ("lang",), "from here", Recency("seen", 7.0, 0.25))


@pytest.fixture
def platform() -> TinyPlatform:
    platform = TinyPlatform()
    platform.write("fruit", b"Pears are green.")
    return platform


@pytest.fixture
async def client(platform: TinyPlatform) -> AsyncIterator[AsyncClient]:
    async with running(platform) as settings, AsyncClient(settings) as client:
        yield client


async def test_what_is_asked_of_a_list_arrives_and_what_was_done_comes_back(
    platform: TinyPlatform, client: AsyncClient
) -> None:
    found = await client.questions.search("pears", filter="year >= 2020", shape=SHAPE)
    (asked,) = platform.asked
    assert shape_from_proto(asked) == SHAPE
    assert filter_from_proto(asked.filter) == Compare("year", Operator.GE, 2020.0)
    assert (found.next_cursor, found.candidates) == ("further", 9)
    assert found.facets == (Facet("lang", (FacetCount("en", 2),), 0, 1),)
    told = found.passages[0].presentation
    assert (told.highlights, told.duplicates, told.hit, told.recency) == ((Span(0, 5),), 2, None, None)


@pytest.mark.parametrize("cascade", [None, *Cascade])
async def test_how_far_to_go_arrives_and_how_the_list_came_about_comes_back(
    platform: TinyPlatform, client: AsyncClient, cascade: Cascade | None
) -> None:
    found = await client.questions.search("pears", cascade=cascade, explain=True)
    *_, streamed = [piece async for piece in client.questions.stream_search(SearchRequest("pears", explain=True))]
    assert cascade_from_proto(platform.asked[0].cascade) == cascade
    for told in (found, streamed):
        assert isinstance(told, Found)
        assert (told.stages, told.standings) == (STAGES, (Standing("chunk of fruit", 1, 0, 0.75, -0.25, 0.0),))
    assert (await client.questions.search("pears")).stages == ()


def test_a_cascade_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="cascade") as caught:
        cascade_from_proto(9)
    assert caught.value.field == "cascade"


async def test_a_filter_that_cannot_be_read_is_not_sent(platform: TinyPlatform, client: AsyncClient) -> None:
    with pytest.raises(InvalidInput, match="at character 6"):
        await client.questions.search("pears", filter="year ~ 3")
    assert platform.asked == []


async def test_passages_come_one_by_one_and_the_rest_at_the_end(client: AsyncClient) -> None:
    pieces = [piece async for piece in client.questions.stream_search(SearchRequest("pears"))]
    assert [type(piece) for piece in pieces] == [Passage, Found]
    assert isinstance(pieces[1], Found)
    assert (pieces[1].passages, pieces[1].impression_id) == ((), "impression-1")


async def test_several_searches_come_back_in_their_order(client: AsyncClient) -> None:
    results = await client.questions.batch_search([SearchRequest("pears"), SearchRequest(""), SearchRequest("plums")])
    found, refused, nothing = results
    assert isinstance(found, Found)
    assert found.passages[0].document_id == "fruit"
    assert isinstance(refused, InvalidInput)
    assert refused.field == "query"
    assert isinstance(nothing, Found)
    assert nothing.passages == ()


NAMES = st.text(min_size=1, max_size=20)
SHARES = st.floats(0, 1)
SHAPES = st.builds(
    Shape,
    st.none() | st.sampled_from(Folding),
    st.just(0) | st.integers(200, 8_000),
    st.integers(0, 10),
    SHARES,
    st.booleans(),
    st.booleans(),
    st.lists(NAMES, max_size=3).map(tuple),
    st.text(max_size=20),
    st.none() | st.builds(Recency, st.text(max_size=20), st.floats(0.01, 1e6), SHARES),
)


@given(SHAPES)
def test_a_shape_comes_back_as_it_was_sent(shape: Shape) -> None:
    assert shape_from_proto(retrieve_pb2.SearchRequest(**shape_to_proto(shape))) == shape
