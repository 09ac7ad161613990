"""`headwater ask`: a question, answered with citations."""

import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from headwater_kit.core.errors import Unavailable
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.rewriting import Rewrite, Turn
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from headwater_cli.commands.connect import TENANT, Groups, Json, Tenant, User, connected
from headwater_cli.commands.conversation import add_turn, searched_as, turns
from headwater_cli.commands.filtering import DocumentFilter
from headwater_cli.commands.freshness import MaxStaleness, MinPosition, Wait, positions
from headwater_cli.commands.output import answer_values, echo_json, rating_prompt, source_of
from headwater_cli.commands.wrapping import WrappedStream


def ask(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUESTION", help="The question.")],
    *,
    top_k: Annotated[int, typer.Option(help="Passages to answer from, at most 50.", min=1, max=50)] = 8,
    filter: DocumentFilter = "",
    max_staleness: MaxStaleness = None,
    min_position: MinPosition = None,
    wait: Wait = None,
    rewrite: Annotated[
        Rewrite | None,
        typer.Option(help="In what other words to search too: several, an imagined passage, or its simpler questions."),
    ] = None,
    conversation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON Lines of the turns so far; this one is added. Made when first named."),
    ] = None,
    tenant: Tenant = TENANT,
    user: User = "",
    group: Groups = None,
    json: Json = False,
) -> None:
    """Ask the documents a question; the answer streams and cites its sources."""
    console = Console()
    question = " ".join(words)
    history = turns(conversation) if conversation else ()
    started = time.monotonic()
    streamed, answer = "", None
    with (
        connected(ctx, tenant, user, group) as client,
        # Also where the answer breaks off, so that what was written of it is seen, and the error begins a line.
        closing(WrappedStream(console.width, console.file.write)) as wrapped,
    ):
        for piece in client.ask(
            question,
            top_k=top_k,
            filter=filter or None,
            min_positions=positions(min_position),
            max_staleness_ms=max_staleness,
            wait_ms=wait or 0,
            rewrite=rewrite,
            history=history,
        ):
            if isinstance(piece, AnswerGenerated):
                answer = piece
            else:
                streamed += piece
                if not json:
                    wrapped.push(piece)
                    console.file.flush()
    if answer is None:
        raise Unavailable("the answer ended before it was whole: ask again, or see `headwater logs generate`")
    milliseconds = (time.monotonic() - started) * 1000
    if conversation:
        add_turn(conversation, Turn(question, "" if answer.refusal else answer.text))
    if json:
        echo_json(answer_values(answer) | {"milliseconds": round(milliseconds, 1)})
    else:
        show(console, answer, streamed, milliseconds)


def show(console: Console, answer: AnswerGenerated, streamed: str, milliseconds: float) -> None:
    """Prints what follows the streamed text: the text that counts where it differs, and the sources."""
    if streamed.strip() != answer.text:
        console.print(answer.text, markup=False, highlight=False)
    console.print()
    for citation in answer.citations:
        heading = Text(f"[{citation.number}] ", style="bold cyan").append(source_of(citation.passage), style="bold")
        console.print(heading)
        quote = Text(f"“{' '.join(citation.quote.split())}”", style="italic")
        console.print(Padding(quote, (0, 0, 0, 4)))
        if citation.passage.info.source_uri:
            # Never broken over lines: it is there to be clicked or copied.
            console.print(Text(f"    {citation.passage.info.source_uri}", style="dim"), soft_wrap=True)
    if answer.rewriting:
        console.print(Text(searched_as(answer.rewriting), style="dim"))
    for wanted in [each.number for each in answer.citations if each.passage.rank == answer.rating_wanted][:1]:
        console.print(rating_prompt(f"[{wanted}]", answer.answer_id, answer.rating_wanted), soft_wrap=True)
    hint = f" · headwater feedback {answer.answer_id} --up" if answer.citations else ""
    console.print(Text(f"{milliseconds:.0f} ms · {answer.generator or 'guard'}{hint}", style="dim"), soft_wrap=True)
