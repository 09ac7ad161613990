"""The demo, from an empty platform to a summary."""

import time

from headwater_client import Client, ClientSettings
from headwater_kit.core.documents import Principal
from rich.console import Console

from headwater_cli.commands.ingest import progress_bar, wait_searchable
from headwater_cli.demo import corpus, show, steps
from headwater_cli.demo.figures import MIN_CHUNKS, Figures, demand


def run(console: Console, settings: ClientSettings, bootstrap: str, figures: Figures) -> None:
    """Runs every step and fills the figures in. Raises DemoFailed where a step did not do what it says."""
    with Client(settings, Principal(user="demo")) as client:
        _load(console, client, figures)
        _ask(console, client, figures)
        _edit_and_delete(console, client, bootstrap, figures)
        _vote(console, client, settings, figures)


def _load(console: Console, client: Client, figures: Figures) -> None:
    show.step(console, "Load the Python language reference and library help")
    documents = list(corpus.documents())
    started = time.monotonic()
    with progress_bar(console) as progress:
        task = progress.add_task("sent", total=len(documents))
        positions = steps.load(client, documents, lambda: progress.advance(task))
        wait_searchable(client, positions, progress)
    figures.ingest_seconds = round(time.monotonic() - started, 2)
    figures.documents = len(documents)
    figures.chunks = sum(client.get(document.document_id).chunk_count for document in documents)
    console.print(f"{figures.documents} documents, {figures.chunks} chunks in {figures.ingest_seconds:.1f} s")
    demand(figures.chunks >= MIN_CHUNKS, f"{figures.chunks} chunks, fewer than {MIN_CHUNKS}")


def _ask(console: Console, client: Client, figures: Figures) -> None:
    show.step(console, "Ask three questions")
    for question in steps.QUESTIONS:
        answer, milliseconds = steps.ask(client, question)
        show.answer(console, answer, milliseconds)
        figures.ask_ms.append(milliseconds)
        demand(bool(answer.citations), f"no source was found for {question!r}")


def _edit_and_delete(console: Console, client: Client, bootstrap: str, figures: Figures) -> None:
    show.step(console, "Edit a document with a bare Kafka client")
    producer = steps.BareProducer(bootstrap)
    for line_length in steps.LINE_LENGTHS:
        figures.produce_to_searchable_ms.append(steps.edit(client, producer, line_length))
        answer, milliseconds = steps.ask(client, steps.HANDBOOK_QUESTION)
        if line_length in steps.LINE_LENGTHS[:2]:
            show.answer(console, answer, milliseconds)
        demand(str(line_length) in answer.text, f"the answer does not follow the edit to {line_length}")
    waits = ", ".join(f"{one:.0f}" for one in figures.produce_to_searchable_ms)
    console.print(f"produced → searchable in {waits} ms")

    show.step(console, "Delete it by a tombstone")
    figures.delete_to_gone_ms = steps.delete(client, producer)
    figures.deleted_visible = steps.is_visible(client)
    answer, milliseconds = steps.ask(client, steps.HANDBOOK_QUESTION)
    show.answer(console, answer, milliseconds)
    cited = {citation.passage.document_id for citation in answer.citations}
    demand(not figures.deleted_visible and steps.HANDBOOK_ID not in cited, "the deleted document is still visible")
    console.print(f"gone after {figures.delete_to_gone_ms:.0f} ms")


def _vote(console: Console, client: Client, settings: ClientSettings, figures: Figures) -> None:
    show.step(console, "Three users find the third passage helpful")
    paraphrased = {p.chunk.chunk_id: p.rank for p in client.search(steps.PARAPHRASE, top_k=steps.TOP_K).passages}
    figures.rank_before = steps.VOTED_RANK
    passage, figures.feedback_to_rank_ms = steps.vote(settings)
    time.sleep(1.0)  # all three votes are in by then: the first one may already have moved it
    figures.rank_after = steps.rank_of(client, steps.RANKED_QUERY, passage)
    figures.paraphrase_rank_before = paraphrased.get(passage.chunk.chunk_id, steps.TOP_K + 1)
    figures.paraphrase_rank_after = steps.rank_of(client, steps.PARAPHRASE, passage)
    console.print(f"{steps.RANKED_QUERY} rank {figures.rank_before} → {figures.rank_after}")
    console.print(f"{steps.PARAPHRASE} rank {figures.paraphrase_rank_before} → {figures.paraphrase_rank_after}")
    demand(figures.rank_after < figures.rank_before, "the votes did not raise the passage")
    demand(figures.paraphrase_rank_after <= figures.paraphrase_rank_before, "the votes lowered it for a paraphrase")
