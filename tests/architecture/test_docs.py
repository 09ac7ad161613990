"""What the pages say is what the code says."""

import re
from pathlib import Path

import pytest
from architecture.house import ROOT, SERVICES, shown, tracked
from headwater_kit.bus.docs import BEGIN, END, as_markdown
from headwater_kit.bus.topics import TOPICS
from headwater_kit.settings.docs import main as settings_docs
from headwater_kit.telemetry import docs as metrics
from headwater_kit.telemetry import span_docs

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_every_topic_is_documented() -> None:
    text = (ROOT / "docs/topics.md").read_text()
    table = text.partition(BEGIN)[2].partition(END)[0]
    assert table.strip() == as_markdown(), "run `make docs`"


def test_every_span_is_documented() -> None:
    text = (ROOT / "docs/tracing.md").read_text()
    assert text.partition(span_docs.BEGIN)[2].partition(span_docs.END)[0].strip() == span_docs.as_markdown()


def test_the_table_of_topics_leaves_none_out() -> None:
    assert [name for name in TOPICS if f"`{name}`" not in as_markdown()] == []


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs/observing.md").read_text()
    table = text.partition(metrics.BEGIN)[2].partition(metrics.END)[0]
    assert table.strip() == metrics.as_markdown(), "run `make docs`"


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_documented(service: str) -> None:
    assert settings_docs(["--check", str(ROOT / f"services/{service}/README.md")]) == 0, "run `make docs`"


@pytest.mark.parametrize("page", tracked("*.md"), ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link.partition("#") for link in LINK.findall(page.read_text()) if "://" not in link]
    pages = {target: page.parent / target if target else page for target, _, _ in links}
    assert [target for target, found in pages.items() if not found.exists()] == []
    assert [f"{target}#{place}" for target, _, place in links if place and place not in anchors(pages[target])] == []


def anchors(page: Path) -> set[str]:
    """The places in a page that a link may name: its headings, as forges spell them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
