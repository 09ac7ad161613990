"""How the figures look on a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from headwater_kit.bus.topics import GROUPS
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headwater_cli.top.figures import Calls, Figures, Learned, Service, Stage
from headwater_cli.top.history import History

BARS = " ▁▂▃▄▅▆▇█"
WIDE = 118
# A tenth of what the objective allows is no news; past it the eye should stop there.
LATE_SECONDS, OLD_SECONDS = 5.0, 60.0
_STATES = {"serving": ("●", "green"), "not serving": ("●", "yellow"), "away": ("○", "red")}
_QUIET = "bright_black"
_NARROW = ("done/s", "lag", "age", "at work", "dead", "")
_CURVE = 24


def screen(seen: Figures, history: History, width: int, keys: str = "") -> Group:
    """All of it, in one column or, where there is room, in two."""
    top: list[RenderableType] = [_headline(seen, width, keys), Text(), _services(seen.services, history, width), Text()]
    pipeline, calls, rest = _stages(seen.stages, history, width), _calls(seen.calls), _facts(seen)
    if width < WIDE:
        return Group(*top, pipeline, Text(), rest, Text(), calls, Text(), _learned(seen.learned))
    beside = Table.grid(padding=(0, 3))
    beside.add_row(calls, Group(rest, Text(), _learned(seen.learned)))
    return Group(*top, pipeline, Text(), beside)


def sparkline(values: Sequence[float], width: int) -> str:
    """The last values as a line of bars, the highest a full one."""
    last = list(values)[-width:]
    most = max(last, default=0.0)
    if most <= 0.0:
        return ("▁" * len(last)).rjust(width)
    return "".join(BARS[max(1, round(value / most * (len(BARS) - 1)))] for value in last).rjust(width)


def amount(value: float) -> str:
    """A number that is read at a glance, as `0.4`, `37` or `12.3k`."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.1f}{unit}"
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def duration(seconds: float | None) -> str:
    """A time in the unit that fits, as `3.1 ms`, `0.8 s` or `4 min`; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 0.1:
        return f"{seconds * 1e3:.1f} ms" if seconds < 0.01 else f"{seconds * 1e3:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _headline(seen: Figures, width: int, keys: str) -> Table:
    serving = sum(service.state == "serving" for service in seen.services)
    whole = serving == len(seen.services)
    left = Text.assemble(
        ("headwater", "bold"), "  ", (f"{serving}/{len(seen.services)} serving", "green" if whole else "red")
    )
    clock = datetime.fromtimestamp(seen.time).astimezone().strftime("%H:%M:%S")
    right = Text(f"{clock}  over {seen.seconds:.0f} s  {keys}".rstrip(), style=_QUIET)
    line = Table.grid(expand=True)
    line.add_column(justify="left")
    line.add_column(justify="right")
    line.add_row(left, right)
    line.width = width
    return line


def _services(services: Sequence[Service], history: History, width: int) -> Table:
    line = Table.grid(padding=(0, 3))
    per_row = max(1, min(len(services), width // 26))
    cells = [_service(each, history) for each in services]
    for begin in range(0, len(cells), per_row):
        line.add_row(*cells[begin : begin + per_row])
    return line


def _service(service: Service, history: History) -> Text:
    mark, style = _STATES[service.state]
    told = service.version or service.state
    calls = sparkline(history.curve(service.name), 6)
    return Text.assemble((mark, style), f" {service.name:<9}", (f"{told:<6} ", _QUIET), (calls, "cyan"))


def _stages(stages: Sequence[Stage], history: History, width: int) -> Table:
    is_wide = width >= WIDE
    heads = ("done/s", "", "lag", "age", "waits", "at work", "", "dead", "") if is_wide else _NARROW
    table = _table("pipeline", *heads, first=26 if is_wide else 22)
    for stage in stages:
        busy = stage.at_work or stage.waiting or stage.lag or stage.per_second
        style = "" if busy or stage.dead_letters or stage.standing else _QUIET
        curve = Text(sparkline(history.curve(f"{stage.group} {stage.topic}"), _CURVE), style="cyan")
        done, lag, age, waits, at_work, dead = _cells(stage)
        bar = _bar(stage.at_work / stage.capacity if stage.capacity else 0.0)
        cells = (done, curve, lag, age, waits, at_work, bar, dead) if is_wide else (done, lag, age, at_work, dead)
        table.add_row(_named(stage, is_wide=is_wide), *cells, _states(stage), style=style)
    return table


def _cells(stage: Stage) -> tuple[RenderableType, ...]:
    age = duration(stage.lag_seconds) if stage.lag_seconds else "–"
    return (
        amount(stage.per_second),
        _graded(amount(stage.lag), stage.lag_seconds),
        _graded(age, stage.lag_seconds),
        amount(stage.waiting),
        f"{stage.at_work}/{stage.capacity}",
        Text(str(stage.dead_letters), style="red" if stage.dead_letters else ""),
    )


def _named(stage: Stage, *, is_wide: bool) -> Text:
    topic = stage.topic.removesuffix(".v1")
    # Where there is little room a group's only topic goes without saying.
    return Text.assemble(stage.group, (f"  {topic}", _QUIET) if is_wide or len(GROUPS[stage.group]) > 1 else "")


def _states(stage: Stage) -> Text:
    told = [
        (f"{stage.standing} standing", "red") if stage.standing else None,
        (f"{stage.paused} paused", "yellow") if stage.paused else None,
        (f"{amount(stage.retries)} retries/s", "yellow") if stage.retries else None,
    ]
    return Text(" ").join(Text(*each) for each in told if each)


def _calls(calls: Sequence[Calls]) -> Table:
    table = _table("calls", "calls/s", "errors", "p50", "p99", first=30)
    for each in calls[:10]:
        name = Text.assemble((f"{each.service} ", _QUIET), each.method)
        errors = Text(f"{each.errors:.1%}", style="red") if each.errors else Text("–", style=_QUIET)
        style = "" if each.per_second else _QUIET
        table.add_row(name, amount(each.per_second), errors, duration(each.p50), duration(each.p99), style=style)
    return table


def _facts(seen: Figures) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=_QUIET, no_wrap=True)
    table.add_column()
    fresh = Text.assemble(
        "p50 ", _graded(duration(seen.fresh_p50), seen.fresh_p50 or 0.0, LATE_SECONDS),
        "  p99 ", _graded(duration(seen.fresh_p99), seen.fresh_p99 or 0.0, LATE_SECONDS),
        (f"  {amount(seen.fresh_per_second)} documents/s", _QUIET),
    )  # fmt: skip
    table.add_row("freshness", fresh)
    for cache in seen.caches:
        told = "–" if cache.hits is None else f"{cache.hits:.0%} kept of {amount(cache.per_second)}/s"
        table.add_row(cache.name, told)
    tokens = sum(seen.tokens.values())
    table.add_row("embedding", f"{amount(tokens)} tokens/s" if tokens else "–")
    table.add_row("documents", _listed(seen.outcomes))
    table.add_row("answers", _listed(seen.answers))
    table.add_row("guard", _listed(seen.verdicts))
    if seen.cost:
        table.add_row("cost", f"{seen.cost:.4g}")
    table.add_row("dead letters", Text(_listed(seen.dead_letters), style="red" if seen.dead_letters else ""))
    table.add_row("drift", Text(str(seen.drift), style="red") if seen.drift else "none")
    table.add_row("gates", _listed(seen.decisions))
    return table


def _learned(learned: Sequence[Learned]) -> RenderableType:
    if not learned:
        return Text("nothing learned serves yet", style=_QUIET)
    table = _table("learned", "snapshot", "", "tenant", first=14)
    for each in learned[:8]:
        stage = Text("serves", style="green") if each.stage == "exploit" else Text(each.stage, style="yellow")
        table.add_row(each.component, each.snapshot[:12], stage, each.tenant)
    return table


def _table(*heads: str, first: int) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="bold", show_edge=False)
    table.add_column(heads[0], min_width=first, no_wrap=True)
    for head in heads[1:]:
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    return table


def _graded(text: str, seconds: float, late: float = LATE_SECONDS) -> Text:
    return Text(text, style="red" if seconds > OLD_SECONDS else "yellow" if seconds > late else "")


def _bar(share: float, width: int = 8) -> Text:
    full = round(min(1.0, share) * width)
    style = "green" if share < 0.7 else "yellow" if share < 0.95 else "red"
    return Text.assemble(("━" * full, style), ("─" * (width - full), _QUIET))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{amount(count)} {_words(name)}" for name, count in counts.items()) or "none"


def _words(name: str) -> str:
    return name.replace("_", " ")
