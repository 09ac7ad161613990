"""A run, or two, as one HTML file: plots and tables within it, nothing to fetch, no script."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np

from headwater_cli.evaluation.comparison import Comparison, interval
from headwater_cli.evaluation.plots import comparison_plots, run_plots
from headwater_cli.evaluation.run import Run, latencies

# A page with more rows is no fun to open; --csv and --save have all of them.
MAX_ROWS = 2_000


def run_page(run: Run) -> str:
    """The page of one run, its queries worst first."""
    measures = [
        (name, run.mean(name), *interval(np.array([row.measures[name] for row in run.rows]))) for name in run.measures
    ]
    rows = run.worst()
    return page(
        "run.html", run=run, summary=run.summary(), measures=measures, rows=rows[:MAX_ROWS], plots=run_plots(run)
    )


def comparison_page(comparison: Comparison) -> str:
    """The page of two runs, the queries that changed most first."""
    return page(
        "comparison.html",
        comparison=comparison,
        runs=[comparison.before, comparison.after],
        summaries=[comparison.before.summary(), comparison.after.summary()],
        latencies=[latencies(comparison.before.rows), latencies(comparison.after.rows)],
        changes=comparison.changes[:MAX_ROWS],
        plots=comparison_plots(comparison),
    )


def page(name: str, **values: Any) -> str:
    """The template of that name in `pages`, filled in."""
    from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415 - of the extra

    # A query may hold anything: what is not ours is escaped.
    environment = Environment(
        loader=DictLoader(_templates()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)


def _templates() -> Mapping[str, str]:
    folder = files("headwater_cli.evaluation") / "pages"
    return {one.name: one.read_text(encoding="utf-8") for one in folder.iterdir() if one.name.endswith(".html")}
