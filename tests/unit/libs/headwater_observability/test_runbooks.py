"""Each alert has its page, and each page names commands that there are."""

import re
from pathlib import Path

import pytest
import typer
from headwater_cli.main import COMMANDS, build
from headwater_kit.telemetry.exposition import METRICS, series
from headwater_observability.alerts import ALERTS
from headwater_observability.slos import SLOS

ROOT = Path(__file__).parents[4]
PAGES = sorted((ROOT / "docs/runbooks").glob("*.md"))
SHOWN = {name for metric in METRICS for name in series(metric)} | {"headwater_observability"}
SAID = re.compile(r"`headwater ([a-z][a-z-]*)(?: ([a-z][a-z-]+))?")


def verbs() -> dict[str, set[str]]:
    """The commands, and the verbs of each; none where it is a command itself."""
    found = {}
    for name in COMMANDS:
        command = typer.main.get_command(build([name]))
        inner = getattr(getattr(command, "commands", {}).get(name, command), "commands", {})
        found[name] = set(inner)
    return found


VERBS = verbs()


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    assert {page.stem for page in PAGES} == {each.runbook for each in (*ALERTS, *SLOS)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_it_means_how_to_see_it_and_what_to_do(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    assert headings == ["What it means", "How to see it", "What to do"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_what_there_is(page: Path) -> None:
    text = page.read_text()
    for command, verb in SAID.findall(text):
        assert command in VERBS, f"`headwater {command}`"
        assert not VERBS[command] or verb in VERBS[command], f"`headwater {command} {verb}`"
    for name in re.findall(r"`(headwater_\w+)`", text):
        assert name in SHOWN or f"{name}_sum" in SHOWN, name
