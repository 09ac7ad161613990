"""What learning did as one page, drawn from the figures that `--json` prints."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from headwater_cli.evaluation.plots import AFTER, BAD, BEFORE, GOOD, drawn
from headwater_cli.evaluation.report import page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"exploit": AFTER, "learn": BEFORE, "interleave": "#d08a1d", "canary": "#7b4fa3"}
REASON_COLOURS = (BAD, "#d08a1d", "#7b4fa3", BEFORE, AFTER, GOOD)
MARKS = {"promoted": GOOD, "rolled_back": BAD}


def learning_page(values: Mapping[str, Any]) -> str:
    """The page of these figures; nothing to fetch, no script."""
    plots = [
        drawn(lambda axes: _rewards(axes, values["windows"])),
        drawn(lambda axes: _lift(axes, values["windows"])),
        drawn(lambda axes: _drift(axes, values["windows"], values["gates"])),
        drawn(lambda axes: _quarantined(axes, values["quarantined"])),
        drawn(lambda axes: _voters(axes, values["voters"])),
    ]
    return page("learning.html", values=values, plots=plots, at=_said)


def _said(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _moments(rows: Sequence[Mapping[str, Any]]) -> list[datetime]:
    return [datetime.fromtimestamp(row["start"], UTC) for row in rows]


def _rewards(axes: "Axes", windows: Sequence[Mapping[str, Any]]) -> None:
    for policy in COLOURS:
        _line(axes, policy, windows)
    axes.set(title="Mean reward of a list, 95 % interval", ylabel="reward", ylim=(0, 1))
    _dated(axes)


def _line(axes: "Axes", policy: str, windows: Sequence[Mapping[str, Any]]) -> None:
    rows = [row for row in windows if policy in row["policies"]]
    if rows:
        found, colour = [row["policies"][policy] for row in rows], COLOURS[policy]
        moments: Any = _moments(rows)
        axes.fill_between(
            moments, [one["low"] for one in found], [one["high"] for one in found], color=colour, alpha=0.15
        )
        axes.plot(moments, [one["mean"] for one in found], "o-", color=colour, markersize=3, label=policy)


def _lift(axes: "Axes", windows: Sequence[Mapping[str, Any]]) -> None:
    rows = [row for row in windows if row["lift"]]
    for moment, row in zip(_moments(rows), rows, strict=True):
        one, where = row["lift"], [moment, moment]
        colour = GOOD if one["low"] > 0 else BAD if one["high"] < 0 else BEFORE
        axes.plot(where, [one["low"], one["high"]], color=colour, linewidth=2)  # type: ignore[arg-type]
        axes.plot(where[:1], [one["difference"]], "o", color=colour, markersize=4)  # type: ignore[arg-type]
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(title="Lift: exploit less learn, 95 % interval", ylabel="difference of rewards")
    _dated(axes)


def _drift(axes: "Axes", windows: Sequence[Mapping[str, Any]], gates: Sequence[Mapping[str, Any]]) -> None:
    _line(axes, "exploit", windows)
    for decision, colour in MARKS.items():
        for number, one in enumerate(one for one in gates if one["decision"] == decision):
            moment: Any = datetime.fromtimestamp(one["time"], UTC)
            name = decision.replace("_", " ") if not number else None
            axes.axvline(moment, color=colour, linewidth=1, linestyle="--", label=name)
    axes.set(title="Drift: what is live, and what the gate changed", ylabel="reward", ylim=(0, 1))
    _dated(axes)


def _quarantined(axes: "Axes", days: Sequence[Mapping[str, Any]]) -> None:
    moments: Any = _moments(days)
    below = [0] * len(days)
    for number, reason in enumerate(sorted({reason for day in days for reason in day["reasons"]})):
        counts = [day["reasons"].get(reason, 0) for day in days]
        axes.bar(moments, counts, 0.8, below, color=REASON_COLOURS[number % len(REASON_COLOURS)], label=reason)
        below = [one + more for one, more in zip(below, counts, strict=True)]
    axes.set(title="Feedback without effect, by day", ylabel="reactions")
    _dated(axes)


def _voters(axes: "Axes", days: Sequence[Mapping[str, Any]]) -> None:
    moments: Any = _moments(days)
    axes.bar(moments, [day["users"] for day in days], 0.8, color=AFTER)
    axes.set(title="Users who reacted, by day", ylabel="users")
    _dated(axes)


def _dated(axes: "Axes") -> None:
    axes.xaxis_date()
    axes.tick_params(axis="x", labelrotation=30)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)
