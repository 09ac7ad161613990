"""What the pages say is what the code says."""

import re
from pathlib import Path

import pytest
from architecture.house import ROOT, SERVICES, shown, tracked
from headwater_kit.bus.docs import BEGIN, END, as_markdown
from headwater_kit.bus.topics import TOPICS
from headwater_kit.settings.docs import main as settings_docs

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_every_topic_is_documented() -> None:
    text = (ROOT / "docs/topics.md").read_text()
    table = text.partition(BEGIN)[2].partition(END)[0]
    assert table.strip() == as_markdown(), "run `make docs`"


def test_the_table_of_topics_leaves_none_out() -> None:
    assert [name for name in TOPICS if f"`{name}`" not in as_markdown()] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_documented(service: str) -> None:
    assert settings_docs(["--check", str(ROOT / f"services/{service}/README.md")]) == 0, "run `make docs`"


@pytest.mark.parametrize("page", tracked("*.md"), ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [target for target in targets if target and not (page.parent / target).exists()] == []
