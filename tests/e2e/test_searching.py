"""Searches as a user shapes them, on the real store."""

import pytest
from e2e.laptop import Laptop
from headwater_client import Client, Found, SearchRequest
from headwater_kit.core.documents import DocumentInfo
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.shape import Folding, Shape

WAIT_MS = 30_000
PART = "The ferry to {island} leaves at {hour}. " + "It carries cars, and bread for the harbour. " * 40
ISLANDS = ("Amrum", "Baltrum", "Juist")


@pytest.fixture
def islands(client: Client) -> Client:
    """A caller of a tenant with a long document in sections, a copy of it, and a short one."""
    body = "# Ferries\n\n" + "\n\n".join(
        f"## {island}\n\n{PART.format(island=island, hour=hour)}" for hour, island in enumerate(ISLANDS, 7)
    )
    for name, seen in (("guide", "2026-11-27T12:00:00+01:00"), ("copy", "2026-11-26")):
        info = DocumentInfo(
            "Ferries", media_type="text/markdown", metadata={"seen": seen, "lang": "en", "year": 2026.0}
        )
        client.upsert(name, body, info)
    info = DocumentInfo("Fähren", metadata={"lang": "de", "year": 2019.0})
    written = client.upsert("short", "The ferry to Amrum does not leave in winter.", info)
    client.search("ferry", min_positions=[written], max_staleness_ms=0, wait_ms=WAIT_MS)
    return client


def documents(found: Found) -> set[str]:
    return {passage.document_id for passage in found.passages}


def test_a_search_says_which_documents_and_what_its_list_is_to_look_like(
    islands: Client, laptop: Laptop, tenant: str
) -> None:
    chosen = {
        "seen >= 2026-11-27T11:00:00Z": {"guide"},
        "seen < 2026-11-27": {"copy"},
        "not exists(seen)": {"short"},
        'media_type starts with "text/m" and 2020 <= year < 2027': {"guide", "copy"},
        'lang in ("de", "fr") or document_id = "copy"': {"short", "copy"},
    }
    assert {text: documents(islands.search("ferry", filter=text, top_k=100)) for text in chosen} == chosen

    folded = islands.search("ferry to Juist", top_k=1, shape=Shape(Folding.NEAR, 8_000, highlight=True))
    (passage,) = folded.passages
    chunk, told = passage.chunk, passage.presentation
    assert len(told.chunk_ids) > 1
    assert len(chunk.text) == chunk.end - chunk.start
    assert "\n\nJuist\n\n" in chunk.text or chunk.text.startswith("The ferry to Juist")
    assert {"ferry", "Juist"} <= {chunk.text[span.start : span.end] for span in told.highlights}
    assert told.duplicates == 1

    grouped = islands.search("ferry", top_k=3, shape=Shape(group_by_document=True, facets=("lang",)))
    assert [group.document_id for group in grouped.groups] == list(
        dict.fromkeys(each.document_id for each in grouped.passages)
    )
    assert {count.value: count.documents for count in grouped.facets[0].counts} == {"en": 2, "de": 1}

    printed = laptop("search", "ferry", "--filter", "year > 2020", "--fold", "near", "--tenant", tenant)
    assert printed.returncode == 0, printed.stderr
    assert "said 1 times more" in printed.stdout


def test_pages_batches_and_streams_show_what_one_search_does(islands: Client) -> None:
    whole = islands.search("ferry", top_k=100)
    shown: list[str] = []
    cursor = ""
    while True:
        page = islands.search("ferry", top_k=2, shape=Shape(cursor=cursor))
        shown += [passage.chunk.chunk_id for passage in page.passages]
        cursor = page.next_cursor
        if not cursor:
            break
    # A copy's chunk has the text of the original's, and is another document's all the same.
    assert shown == [passage.chunk.chunk_id for passage in whole.passages]

    *passages, summary = islands.stream_search(SearchRequest("ferry", top_k=100))
    assert tuple(passages) == whole.passages
    assert isinstance(summary, Found)
    found, refused = islands.batch_search([SearchRequest("ferry", top_k=100), SearchRequest(" ")])
    assert isinstance(found, Found)
    assert found.passages == whole.passages
    assert isinstance(refused, InvalidInput)


def test_an_edit_drops_the_lists_that_were_kept(islands: Client) -> None:
    assert "short" in documents(islands.search("ferry in winter"))
    gone = islands.delete("short")
    assert "short" not in documents(islands.search("ferry in winter", min_positions=[gone], wait_ms=WAIT_MS))
