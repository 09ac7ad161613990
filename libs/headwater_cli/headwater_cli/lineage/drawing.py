"""An answer's lineage as a tree in the terminal, with the spans of each trace as bars over time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from headwater_kit.telemetry import names
from rich.console import Console
from rich.text import Text

from headwater_cli.lineage.facts import Learned, Lineage, Place, Reacted, Source
from headwater_cli.lineage.spans import SpanTree, StoredSpan

BAR = "━"
BAR_CELLS = 24
MILLISECONDS_CELLS = 12
TRACE_DIGITS = 12
# Attributes that say more than a name does, and what stands before them.
TOLD = {
    names.RETRIEVE_LEG: "",
    names.GUARD_VERDICT: "",
    names.STORE_ROWS_GIVEN: "rows ",
    names.STORE_ROWS_FOUND: "found ",
    names.MODEL_TOKENS_READ: "tokens in ",
    names.MODEL_TOKENS_WRITTEN: "out ",
    names.ERROR_TYPE: "",
}
# In the terminal's own colours, one a service.
COLOURS = {
    "generate": "magenta",
    "retrieve": "cyan",
    "guard": "yellow",
    "embed": "green",
    "index": "blue",
    "ingest": "bright_blue",
    "feedback": "bright_magenta",
}


@dataclass(slots=True)
class Node:
    """A line, what it has at its right end, and the lines below it."""

    label: Text
    right: Text | None = None
    children: Sequence["Node"] = ()


def show(console: Console, root: Node) -> None:
    """Prints a tree; what stands at the right stands in one column, and long lines are cut."""
    rows = list(_rows(root, "", ""))
    room = console.width - max((len(right) for _, right in rows if right), default=0) - 1
    wide = min(room, max(label.cell_len for label, right in rows if right) if any(right for _, right in rows) else room)
    for label, right in rows:
        line = label.copy()
        if right:
            line.truncate(wide, overflow="ellipsis", pad=True)
            line.append(" ").append_text(right)
        console.print(line, no_wrap=True, overflow="ellipsis", crop=True, highlight=False)


def drawn(lineage: Lineage, trees: Sequence[SpanTree]) -> Node:
    """The whole answer."""
    answer = lineage.answer
    about = Text("answer ", style="bold").append(answer.answer_id)
    about.append(f"  {answer.generator or 'guard'}", style="dim").append(f"  {_when(answer.answer_time)}", style="dim")
    parts = [_question(lineage, trees), *_documents(lineage, trees), *_learned(lineage), *_reactions(lineage)]
    return Node(about, children=parts)


def _question(lineage: Lineage, trees: Sequence[SpanTree]) -> Node:
    label = Text("question ", style="bold").append(f"“{' '.join(lineage.answer.question.split())}”")
    facts = [_place_node("answered", lineage.place)]
    if lineage.shown:
        facts.append(_place_node("shown", lineage.shown, lineage.serving.policy.value))
    mine = _of(trees, [lineage.place.trace_id])
    return Node(label, children=[*facts, *_bars(mine)])


def _documents(lineage: Lineage, trees: Sequence[SpanTree]) -> list[Node]:
    if not lineage.sources:
        why = lineage.answer.refusal.value.replace("_", " ") if lineage.answer.refusal else "nothing is cited"
        return [Node(Text("no documents ", style="bold").append(why, style="dim"))]
    return [Node(Text("documents", style="bold"), children=[_source(each, trees) for each in lineage.sources])]


def _source(source: Source, trees: Sequence[SpanTree]) -> Node:
    label = Text("".join(f"[{number}]" for number in source.numbers) + " ", style="bold cyan")
    label.append(source.title or source.document_id).append(f" v{source.version}", style="bold")
    if source.title and source.title != source.document_id:
        label.append(f"  {source.document_id}", style="dim")
    if source.newest > source.version:
        label.append(f"  v{source.newest} since", style="yellow")
    if source.written is None:
        return Node(label, children=[Node(Text("replaced since, and its event is no longer told of", style="dim"))])
    facts = [_place_node("written", source.written)]
    if source.indexed:
        took = source.indexed.time - source.written.time
        facts.append(_place_node("indexed", source.indexed, f"after {_duration(took)}"))
    traces = [place.trace_id for place in (source.written, source.indexed) if place]
    return Node(label, children=[*facts, *_bars(_of(trees, traces))])


def _learned(lineage: Lineage) -> list[Node]:
    if not lineage.learned and not lineage.taught:
        return [Node(Text("nothing learned ", style="bold").append("had a part in its order", style="dim"))]
    nodes = [_model(each, lineage.answer.answer_time) for each in lineage.learned]
    if lineage.taught:
        said = Text("reactions before it").append(f"  to what it was shown, {len(lineage.taught)}", style="dim")
        nodes.append(Node(said, children=[_reacted(each) for each in lineage.taught]))
    return [Node(Text("what was learned", style="bold"), children=nodes)]


def _model(learned: Learned, answer_time: float) -> Node:
    model = learned.model
    label = Text(model.learned.component, style="magenta").append(
        f" {model.learned.part}" if model.learned.part else ""
    )
    if model.stamp:
        label.append(f"  {model.stamp.snapshot_id[:TRACE_DIGITS]}", style="dim")
    # Of a memory the log keeps the newest alone: what it was when the answer was given is not told any more.
    word = "published since" if learned.place.time > answer_time else "published"
    others = len(learned.place.traces) - 1
    facts = [_place_node(word, learned.place, f"and {others} more traces" if others > 0 else "")]
    for number, votes in learned.votes:
        on = f"on [{number}]" if number else f"on {votes.document_id}"
        facts.append(Node(Text(f"{votes.up} for, {votes.down} against ").append(on, style="cyan")))
    facts += [
        _place_node(decided.decision.value.replace("_", " "), place, decided.reason)
        for decided, place in learned.decided
    ]
    return Node(label, children=facts)


def _reactions(lineage: Lineage) -> list[Node]:
    if not lineage.reactions:
        return []
    return [Node(Text("reactions to it", style="bold"), children=[_reacted(each) for each in lineage.reactions])]


def _reacted(reacted: Reacted) -> Node:
    said = reacted.feedback
    to = " ".join(f"[{number}]" for number in reacted.numbers)
    return _place_node(said.reaction.value.replace("_", " "), reacted.place, to)


def _place_node(word: str, place: Place, more: str = "") -> Node:
    label = Text(f"{word} ").append(str(place), style="green").append(f"  {_when(place.time)}", style="dim")
    if more:
        label.append(f"  {more}", style="dim")
    if place.trace_id:
        label.append(f"  trace {place.trace_id[:TRACE_DIGITS]}", style="dim")
    return Node(label)


def _of(trees: Sequence[SpanTree], traces: Iterable[str]) -> list[SpanTree]:
    wanted = set(traces) - {""}
    return [tree for tree in trees if tree.span.trace_id in wanted]


def _bars(trees: Sequence[SpanTree]) -> list[Node]:
    spans = [span for tree in trees for span in tree.walk()]
    if not spans:
        return []
    start, end = min(span.start_ns for span in spans), max(span.end_ns for span in spans)
    return [_span(tree, start, max(1, end - start)) for tree in trees]


def _span(tree: SpanTree, start_ns: int, length_ns: int) -> Node:
    span = tree.span
    colour = COLOURS.get(span.service, "white")
    label = Text(f"{span.service} ", style=colour).append(_short(span), style="bold red" if span.is_failed else "")
    told = (f"{word}{span.attributes[name]}" for name, word in TOLD.items() if name in span.attributes)
    label.append("".join(f" {each}" for each in told), style="dim")
    return Node(
        label, _bar(span, start_ns, length_ns, colour), [_span(each, start_ns, length_ns) for each in tree.children]
    )


def _short(span: StoredSpan) -> str:
    """Without the package, which the service tells."""
    return span.name.rpartition("/")[2] if span.name.startswith("headwater.") else span.name


def _bar(span: StoredSpan, start_ns: int, length_ns: int, colour: str) -> Text:
    first = min(BAR_CELLS - 1, BAR_CELLS * (span.start_ns - start_ns) // length_ns)
    cells = max(1, min(BAR_CELLS - first, round(BAR_CELLS * (span.end_ns - span.start_ns) / length_ns)))
    text = Text(f"{_duration(span.seconds):>{MILLISECONDS_CELLS}} ", style="dim")
    text.append(" " * first).append(BAR * cells, style="red" if span.is_failed else colour)
    return text.append(" " * (BAR_CELLS - first - cells))


def _rows(node: Node, lead: str, below: str) -> Iterator[tuple[Text, Text | None]]:
    yield Text(lead, style="dim").append_text(node.label), node.right
    for place, child in enumerate(node.children, 1):
        is_last = place == len(node.children)
        yield from _rows(child, f"{below}{'└─ ' if is_last else '├─ '}", f"{below}{'   ' if is_last else '│  '}")


def _duration(seconds: float) -> str:
    if seconds < 1.0:
        return f"{1000 * max(0.0, seconds):.1f} ms"
    return f"{seconds:.2f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _when(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%d %b %H:%M:%S}"
