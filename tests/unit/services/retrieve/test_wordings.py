"""A query and its variants side by side: what is asked, what may be left out, and what a caller is told."""

import asyncio
from collections.abc import Sequence

import pytest
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, Principal
from headwater_kit.core.errors import HeadwaterError, InvalidInput, Overloaded, Unavailable
from headwater_kit.core.rewriting import QueryFusion, Variant
from headwater_kit.testing.clock import ManualClock
from headwater_retrieve.domain.fusion import Candidate
from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers.wordings import Ranked, SeveralWordings
from headwater_retrieve.ports import QueryVector

ADA = Principal("acme", "ada")


def candidate(name: str, fused: float) -> Candidate:
    chunk = Chunk(name, 0, name, (), 0, len(name), 1, name)
    return Candidate(Passage(chunk, name, 1, DocumentInfo(title=f"On {name}")), fused, None, fused)


class Searches:
    """Finds for each wording a document of its name, or fails as told, or takes as long as told."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.asked: list[str] = []
        self.errors: dict[str, HeadwaterError] = {}
        self.seconds: dict[str, float] = {}
        self.vectors: dict[str, QueryVector | None] = {}
        self.wordings = SeveralWordings(self._rank, self.clock)

    async def _rank(self, query: Query, principal: Principal, deadline: Deadline) -> Ranked:
        self.asked.append(query.meaning)
        await self.clock.sleep(self.seconds.get(query.meaning, 0.0))
        if error := self.errors.get(query.meaning):
            raise error
        vector = self.vectors.get(query.meaning, QueryVector(query.meaning.encode(), "model"))
        return Ranked([candidate(query.meaning, 2.0), candidate("all", 1.5)], vector)

    async def ask(
        self, *variants: Variant, expand: bool = False, fusion: QueryFusion = QueryFusion.SCORE, seconds: float = 10.0
    ) -> Ranked:
        query = Query("q", variants=variants, expand=expand, fusion=fusion)
        return await self.wordings.rank(query, ADA, Deadline.after(self.clock, seconds))


@pytest.fixture
def searches() -> Searches:
    return Searches()


def names(candidates: Sequence[Candidate]) -> list[str]:
    return [each.passage.document_id for each in candidates]


async def test_a_query_alone_is_searched_alone(searches: Searches) -> None:
    found = await searches.ask()
    assert (searches.asked, names(found.candidates), found.searched) == (["q"], ["q", "all"], ())


async def test_a_variant_equal_to_the_query_changes_nothing(searches: Searches) -> None:
    assert await searches.ask(Variant("q"), Variant(" q ", 5.0)) == await Searches().ask()
    assert searches.asked == ["q"]


async def test_variants_are_searched_beside_the_query_whose_vector_and_state_count(searches: Searches) -> None:
    found = await searches.ask(Variant("v"), Variant("w"))
    assert searches.asked[0] == "q"
    assert sorted(searches.asked) == ["q", "v", "w"]
    assert names(found.candidates)[0] == "all", "found by all three"
    assert found.vector == QueryVector(b"q", "model")
    assert (found.searched, found.left_out) == (("v", "w"), ())


@pytest.mark.parametrize("error", [Overloaded("full"), Unavailable("away"), InvalidInput("too long")])
async def test_a_variant_that_fails_is_left_out_and_said(searches: Searches, error: HeadwaterError) -> None:
    searches.errors["v"] = error
    found = await searches.ask(Variant("v"), Variant("w"))
    assert (found.searched, found.left_out) == (("w",), ("v",))
    assert "v" not in names(found.candidates)


async def test_the_querys_own_failure_is_the_callers_and_ends_the_variants(searches: Searches) -> None:
    searches.errors["q"], searches.seconds["v"] = Unavailable("away"), 60.0
    with pytest.raises(Unavailable):
        await searches.ask(Variant("v"))
    await searches.clock.settle()
    assert searches.clock.next_wake is None


async def test_a_variant_may_take_half_of_the_callers_time(searches: Searches) -> None:
    searches.seconds |= {"v": 6.0, "w": 4.0, "q": 1.0}
    asking = asyncio.create_task(searches.ask(Variant("v"), Variant("w"), seconds=10.0))
    await searches.clock.advance(5.0)
    found = await asking
    assert (found.searched, found.left_out) == (("w",), ("v",))


async def test_a_hypothetical_text_counts_only_where_it_was_embedded(searches: Searches) -> None:
    imagined = Variant("At noon it leaves.", hypothetical=True)
    assert (await searches.ask(imagined)).searched == ("At noon it leaves.",)
    for blind in (None, QueryVector(b"", "")):
        searches.vectors[imagined.text] = blind
        assert (await searches.ask(imagined)).left_out == ("At noon it leaves.",)


async def test_an_expanded_query_is_searched_with_the_titles_of_what_it_finds(searches: Searches) -> None:
    found = await searches.ask(expand=True)
    assert found.searched == ("q On q", "q On all")


async def test_variants_can_be_fused_by_rank(searches: Searches) -> None:
    found = await searches.ask(Variant("v"), fusion=QueryFusion.RANK)
    assert names(found.candidates) == ["all", "q", "v"]
