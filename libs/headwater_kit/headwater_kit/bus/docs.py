"""Writes the table of topics into a page.

`python -m headwater_kit.bus.docs docs/topics.md`
The table stands between the two marker lines.
"""

import sys
from pathlib import Path

from headwater_kit.bus.topics import DAY_MS, GROUPS, TOPICS, Topic
from headwater_kit.core.pages import put_between

BEGIN = "<!-- topics -->"
END = "<!-- /topics -->"
MIB = 1024 * 1024


def as_markdown() -> str:
    """Every topic as a row: name, key, value, clean-up, largest record, who reads it in a group, meaning."""
    head = "| topic | key | value | kept | largest record | groups | meaning |\n|---|---|---|---|---|---|---|\n"
    return head + "\n".join(_row(topic) for topic in TOPICS.values())


def _row(topic: Topic) -> str:
    kept = "last of each key" if topic.compacted else f"{topic.retention_ms // DAY_MS} days"
    groups = ", ".join(f"`{group}`" for group, topics in GROUPS.items() if topic in topics)
    limit = f"{topic.max_message_bytes // MIB} MiB"
    return f"| `{topic.name}` | {topic.key} | {topic.value} | {kept} | {limit} | {groups} | {topic.meaning} |"


def write(page: Path) -> None:
    """Puts the table into the page. Raises ValueError if it has no markers."""
    put_between(page, BEGIN, END, as_markdown())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
