"""The rights on the broker are those that the code needs, and the pages say so."""

import ast
from collections.abc import Iterator

import pytest
from architecture.house import ROOT, SERVICES, shown, tracked, tree
from headwater_kit.bus import topics
from headwater_kit.bus.acl_docs import BEGIN, END, as_markdown
from headwater_kit.bus.acls import USERS, Kind, Operation, Rights
from headwater_kit.bus.topics import GROUPS, TOPICS, Topic

MODULE = "headwater_kit.bus.topics"
DECLARED = {name: value for name, value in vars(topics).items() if isinstance(value, Topic)}
# What the kit does for every service: who may call, and what is noted of calls.
OF_ALL = {topics.CREDENTIALS.name, topics.AUDIT.name}
LETTERS = {name for name in TOPICS if name.endswith(".dead-letter")}


def named_in_code(service: str) -> set[str]:
    """The topics that a service's code names, by import or as an attribute of their module."""
    return {DECLARED[name].name for path in tracked(f"services/{service}/*.py") for name in names(tree(path))}


def names(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == MODULE:
            yield from (alias.name for alias in node.names if alias.name in DECLARED)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "topics":
            yield from {node.attr} & set(DECLARED)


def of_right(rights: Rights) -> set[str]:
    return {rule.name for rule in rights.rules() if rule.kind is Kind.TOPIC}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_rights_on_what_its_code_names_and_nothing_else(service: str) -> None:
    joined = {topic.name for group in USERS[service].joins for topic in GROUPS[group]}
    assert of_right(USERS[service]) - LETTERS - OF_ALL == (named_in_code(service) | joined) - OF_ALL


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_page_names_what_it_reads_and_writes(service: str) -> None:
    rights = USERS[service]
    words = (ROOT / f"services/{service}/README.md").read_text()
    # A tenant's erasure goes through nearly all topics; the page says so in words.
    wanted = (
        of_right(rights) - LETTERS - OF_ALL if service != "index" else {t.name for g in rights.joins for t in GROUPS[g]}
    )
    assert [name for name in sorted(wanted) if f"`{name}`" not in words] == []
    assert [group for group in rights.joins if f"`{group}`" not in words] == []


def test_every_group_has_one_service_and_every_service_its_rights() -> None:
    assert set(SERVICES) <= set(USERS)
    assert sorted(group for service in SERVICES for group in USERS[service].joins) == sorted(GROUPS)


def test_only_the_operator_makes_topics_and_keys() -> None:
    makers = [user for user, rights in USERS.items() if rights.topics(Operation.CREATE)]
    writers = [user for user, rights in USERS.items() if topics.CREDENTIALS.name in rights.topics(Operation.WRITE)]
    assert (makers, writers) == (["operator"], ["operator"])


def test_every_topic_is_written_and_read_by_somebody() -> None:
    for operation in (Operation.READ, Operation.WRITE):
        assert set(TOPICS) - {name for rights in USERS.values() for name in rights.topics(operation)} == set()


def test_the_page_has_the_table() -> None:
    page = ROOT / "docs/exposing.md"
    table = page.read_text().partition(BEGIN)[2].partition(END)[0]
    assert table.strip() == as_markdown(), f"run `make docs` for {shown(page)}"
