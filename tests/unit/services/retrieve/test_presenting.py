"""Lists as they are asked for, through the whole search on in-memory adapters."""

import pytest
from headwater_kit.core.documents import (
    Chunk,
    DocumentInfo,
    DocumentKey,
    MetadataValue,
    Principal,
    chunk_id,
    embedding_text,
    text_hash,
)
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.filters import Compare, Not, Operator
from headwater_kit.core.shape import Facet, FacetCount, Folding, Recency, Shape
from headwater_retrieve.adapters.memory import WordEncoder
from headwater_retrieve.domain.query import Query
from headwater_retrieve.handlers import Found, PresentationPolicy
from headwater_text.analysis import analyse
from headwater_vectors.ports import ChunkRow, LedgerRow, Model
from unit.services.retrieve.test_handlers import ADA, Bench, names

SENTENCES = ("Lists grow.", "A list grows by over-allocating.", "Tuples do not.", "A dict keeps its order.")


async def add(
    bench: Bench, document_id: str, texts: tuple[str, ...], version: int = 1, **metadata: MetadataValue
) -> None:
    """Stores a document of several chunks, a blank between two, and makes it visible."""
    key, info = DocumentKey("acme", document_id), DocumentInfo(document_id, metadata=metadata)
    rows, start = [], 0
    for ordinal, text in enumerate(texts):
        full = embedding_text(info.title, (), text)
        row_id = chunk_id(key, version, ordinal)
        chunk = Chunk(row_id, ordinal, text, (), start, start + len(text), len(text.split()), text_hash(full))
        rows.append(ChunkRow(key, version, chunk, info, bench.encoder.vector(full), analyse(full)))
        start += len(text) + 1
    await bench.store.upsert(rows)
    await bench.store.switch(LedgerRow(key, version, deleted=False, chunk_count=len(rows)))


@pytest.fixture
async def bench() -> Bench:
    bench = Bench(presentation=PresentationPolicy(Folding.EXACT))
    await bench.store.open()
    await bench.store.adopt(Model(WordEncoder.model_id, WordEncoder.dimension))
    await add(bench, "guide", SENTENCES, lang="en", seen="2026-01-01")
    await add(bench, "copy", ("Lists grow.", "Another list of things."), lang="en")
    await add(bench, "notes", ("My list of lists.",), lang="de", seen="2020-01-01")
    return bench


def texts(found: Found) -> list[str]:
    return [passage.chunk.text for passage in found.passages]


async def test_the_services_folding_holds_unless_a_search_says(bench: Bench) -> None:
    folded = await bench.ask(Query("lists grow"))
    assert texts(folded).count("Lists grow.") == 1
    told = next(passage for passage in folded.passages if passage.chunk.text == "Lists grow.").presentation
    assert (told.duplicates, len(told.duplicate_ids)) == (1, 1)
    unfolded = await bench.ask(Query("lists grow", shape=Shape(folding=Folding.NONE)))
    assert texts(unfolded).count("Lists grow.") == 2
    assert folded.shown.candidates == unfolded.shown.candidates == len(unfolded.passages)


async def test_neighbours_are_read_and_the_impression_tells_the_hit(bench: Bench) -> None:
    found = await bench.ask(Query("over-allocating", top_k=1, shape=Shape(passage_characters=400, highlight=True)))
    (passage,) = found.passages
    assert passage.chunk.text == " ".join(SENTENCES)
    hit, told = passage.presentation.hit, passage.presentation
    assert hit is not None
    assert passage.chunk.text[hit.start : hit.end] == SENTENCES[1]
    assert [passage.chunk.text[span.start : span.end] for span in told.highlights] == ["allocating"]
    assert bench.impressions.impressions[0].items[0].chunk_id == told.chunk_ids[1]


async def test_neighbours_of_a_version_that_went_meanwhile_are_not_mixed_in(bench: Bench) -> None:
    before = await bench.ask(Query("over-allocating", top_k=1))
    await add(bench, "guide", ("New words.", "All of it is new.", "Everything."), version=2)
    page = list(before.passages)
    presented = await bench.search._presenting.present(
        Query("over-allocating", shape=Shape(passage_characters=400)), ADA, page
    )
    assert [passage.chunk.text for passage in presented.passages] == [SENTENCES[1]]


async def test_pages_show_everything_once(bench: Bench) -> None:
    whole = await bench.ask(Query("list grow order", top_k=100))
    shown, cursor, ranks = [], "", []
    for _ in range(20):
        page = await bench.ask(Query("list grow order", top_k=2, shape=Shape(cursor=cursor)))
        shown += texts(page)
        ranks += [passage.rank for passage in page.passages]
        cursor = page.shown.next_cursor
        assert not page.shown.list_changed
        if not cursor:
            break
    assert shown == texts(whole)
    assert ranks == list(range(1, len(shown) + 1))
    assert len({impression.impression_id for impression in bench.impressions.impressions}) == 1 + (len(shown) + 1) // 2


async def test_a_page_of_joined_passages_is_not_shown_in_pieces_again(bench: Bench) -> None:
    shape = Shape(passage_characters=400)
    first = await bench.ask(Query("list grow order", top_k=1, shape=shape))
    second = await bench.ask(
        Query("list grow order", top_k=100, shape=Shape(passage_characters=400, cursor=first.shown.next_cursor))
    )
    assert first.passages[0].document_id not in {passage.document_id for passage in second.passages}
    assert second.shown.next_cursor == ""


async def test_pages_go_on_while_the_index_changes_and_say_so(bench: Bench) -> None:
    first = await bench.ask(Query("list", top_k=2))
    await add(bench, "new", ("A list that is a list of list.",))
    second = await bench.ask(Query("list", top_k=100, shape=Shape(cursor=first.shown.next_cursor)))
    assert second.shown.list_changed
    assert not set(texts(first)) & set(texts(second))
    assert "A list that is a list of list." in texts(second)


@pytest.mark.parametrize(
    ("query", "principal"),
    [
        (Query("other words"), ADA),
        (Query("list", filter=Compare("lang", Operator.EQ, "en")), ADA),
        (Query("list", shape=Shape(diversity=0.5)), ADA),
        (Query("list"), Principal("other", "ada")),
        (Query("list"), Principal("acme", "eve")),
        (Query("list"), Principal("acme", "ada", ("staff",))),
    ],
)
async def test_a_cursor_is_for_its_search_alone(bench: Bench, query: Query, principal: Principal) -> None:
    cursor = (await bench.ask(Query("list", top_k=1))).shown.next_cursor
    shape = Shape(diversity=query.shape.diversity, cursor=cursor)
    with pytest.raises(InvalidInput) as refused:
        await bench.ask(Query(query.text, filter=query.filter, shape=shape), principal)
    assert (refused.value.field, refused.value.reason) == ("cursor", "BAD_CURSOR")


async def test_documents_stand_together_and_are_counted(bench: Bench) -> None:
    found = await bench.ask(Query("list grow order", top_k=2, shape=Shape(group_by_document=True, max_per_document=2)))
    assert [group.document_id for group in found.shown.groups] == list(dict.fromkeys(names(found)))
    assert len(found.shown.groups) == 2
    for group in found.shown.groups:
        ranks = [passage.rank for passage in found.passages if passage.document_id == group.document_id]
        assert ranks == list(range(group.first_rank, group.first_rank + group.shown))
        assert group.shown <= min(2, group.found)
    further = Shape(group_by_document=True, max_per_document=2, cursor=found.shown.next_cursor)
    more = await bench.ask(Query("list grow order", shape=further))
    assert not {group.document_id for group in found.shown.groups} & {group.document_id for group in more.shown.groups}


async def test_what_is_recent_comes_first_and_facets_count_all_candidates(bench: Bench) -> None:
    bench.clock.now = lambda: 1_800_000_000.0  # type: ignore[method-assign]
    plain = await bench.ask(Query("my list of lists"))
    assert names(plain)[0] == "notes"
    shape = Shape(recency=Recency("seen", 365.0, 1.0), facets=("lang", "none"))
    found = await bench.ask(Query("my list of lists", top_k=1, shape=shape))
    assert names(found)[0] != "notes"
    assert found.shown.facets == (
        Facet("lang", (FacetCount("en", 2), FacetCount("de", 1))),
        Facet("none", (), 0, 3),
    )


async def test_a_filter_too_deep_is_refused_before_anything_is_asked(bench: Bench) -> None:
    deep = Compare("a", Operator.EQ, 1.0)
    for _ in range(20):
        deep = Not(deep)  # type: ignore[assignment]
    with pytest.raises(InvalidInput) as refused:
        Query("list", filter=deep)
    assert refused.value.field == "filter"
