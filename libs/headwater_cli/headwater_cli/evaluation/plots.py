"""Plots of runs as SVG that stands within a page: no script, no font, nothing fetched."""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater_cli.evaluation.comparison import Comparison
from headwater_cli.evaluation.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEFORE, AFTER, GOOD, BAD = "#8a8f98", "#2364aa", "#2f855a", "#c0392b"
SIZE_INCHES = (4.6, 2.9)
DEPTHS = ((1, 1), (2, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, 100))
STYLE: dict[Any, Any] = {
    # Text stays text, in the page's own font.
    "svg.fonttype": "none",
    "svg.hashsalt": "headwater",
    # Nor is a dollar sign in a name a formula.
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e6e8eb",
    "legend.frameon": False,
}


def run_plots(run: Run) -> list[str]:
    """How the queries fare by the first measure, where their first answers stand, and how long they took."""
    return [
        drawn(lambda axes: _spread(axes, run)),
        drawn(lambda axes: _depths(axes, [(run, AFTER)])),
        drawn(lambda axes: _latencies(axes, [(run, AFTER)])),
    ]


def comparison_plots(comparison: Comparison) -> list[str]:
    """Each measure's difference with its interval, each query's, where first answers stand, and how long they took."""
    runs = [(comparison.before, BEFORE), (comparison.after, AFTER)]
    return [
        drawn(lambda axes: _intervals(axes, comparison)),
        drawn(lambda axes: _changes(axes, comparison)),
        drawn(lambda axes: _depths(axes, runs)),
        drawn(lambda axes: _latencies(axes, runs)),
    ]


def drawn(draw: Callable[["Axes"], None]) -> str:
    """The figure as an svg element."""
    import matplotlib as mpl  # noqa: PLC0415 - of the extra
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    # What stands before the element is for a file of its own.
    return text.getvalue()[text.getvalue().index("<svg") :]


def _spread(axes: "Axes", run: Run) -> None:
    measure = run.measures[0]
    values = np.array([row.measures[measure] for row in run.rows])
    axes.hist(values, bins=np.linspace(0, max(1.0, values.max()), 21).tolist(), color=AFTER, rwidth=0.9)
    axes.axvline(values.mean(), color=BAD, linewidth=1)
    axes.set(title=f"{measure} by query; mean {values.mean():.3f}", xlabel=measure, ylabel="queries")


def _depths(axes: "Axes", runs: Sequence[tuple[Run, str]]) -> None:
    names = [str(low) if low == high else f"{low}–{high}" for low, high in DEPTHS] + ["none"]
    width = 0.8 / len(runs)
    for number, (run, colour) in enumerate(runs):
        firsts = [row.first_relevant or 0 for row in run.rows]
        counts = [sum(low <= first <= high for first in firsts) for low, high in DEPTHS] + [firsts.count(0)]
        places = np.arange(len(names)) + (number - (len(runs) - 1) / 2) * width
        axes.bar(places, counts, width * 0.9, color=colour, label=run.name)
    axes.set_xticks(range(len(names)), names)
    axes.set(title="Rank of the first right document", xlabel="rank", ylabel="queries")
    _legend(axes, runs)


def _latencies(axes: "Axes", runs: Sequence[tuple[Run, str]]) -> None:
    for run, colour in runs:
        found = np.sort([row.milliseconds for row in run.rows if not row.error])
        axes.step(found, np.arange(1, len(found) + 1) / max(1, len(found)), where="post", color=colour, label=run.name)
    axes.set(title="Time of a search", xlabel="milliseconds", ylabel="share of queries", ylim=(0, 1.02))
    axes.set_xlim(left=0)
    _legend(axes, runs)


def _intervals(axes: "Axes", comparison: Comparison) -> None:
    found = comparison.differences[::-1]
    for place, one in enumerate(found):
        colour = (GOOD if one.difference > 0 else BAD) if one.is_significant else BEFORE
        axes.plot([one.low, one.high], [place, place], color=colour, linewidth=2)
        axes.plot(one.difference, place, "o", color=colour, markersize=5)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(found)), [one.measure for one in found])
    axes.set_ylim(-0.6, len(found) - 0.4)
    axes.set(title="Difference, 95 % interval", xlabel=f"{comparison.after.name} less {comparison.before.name}")


def _changes(axes: "Axes", comparison: Comparison) -> None:
    first, values = comparison.differences[0], np.sort([change.difference for change in comparison.changes])[::-1]
    axes.bar(range(len(values)), values, 1.0, color=np.where(values > 0, GOOD, BAD))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks([])
    same = comparison.queries - len(values)
    axes.set(
        title=f"{first.measure}: {first.better} better, {first.worse} worse, {same} the same",
        xlabel="queries that changed",
        ylabel="difference",
    )


def _legend(axes: "Axes", runs: Sequence[object]) -> None:
    if len(runs) > 1:
        axes.legend()
