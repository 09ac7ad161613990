"""Spans and attributes are spelled in `headwater_kit.telemetry.names` alone."""

import ast
from pathlib import Path

import pytest
from architecture.house import modules, shown, tree
from headwater_kit.telemetry import names
from headwater_kit.telemetry.names import attributes

DECLARED = "libs/headwater_kit/headwater_kit/telemetry/names/"
ATTRIBUTES = {value for name, value in vars(attributes).items() if name.isupper()}
OTHERS = [path for path in modules() if not shown(path).startswith(DECLARED)]


def is_spelled(text: str) -> bool:
    """Whether a string is an attribute's name, or looks like one of the conventions'."""
    return text in ATTRIBUTES or text.startswith(("messaging.", "rpc.", "db.", "gen_ai.", "exception.", "error."))


@pytest.mark.parametrize("path", OTHERS, ids=shown)
def test_an_attribute_is_spelled_where_it_is_declared_alone(path: Path) -> None:
    spelled = [
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and is_spelled(node.value)
    ]
    assert spelled == []


@pytest.mark.parametrize("path", OTHERS, ids=shown)
def test_a_span_is_begun_by_its_declaration_alone(path: Path) -> None:
    begun = {
        node.attr
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"start_span", "start_as_current_span"}
    }
    assert not begun or shown(path).endswith("telemetry/spans.py")


def test_the_spans_tell_of_every_kind() -> None:
    assert {each.kind.name for each in names.SPANS} == {"INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"}
