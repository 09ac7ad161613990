"""Each public thing says what it promises; a method may leave that to the port that it implements."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from architecture.house import modules, shown, tree

# A contract suite's methods are tests: their names say what holds.
TREES = {path: tree(path) for path in modules() if "/testing/" not in shown(path)}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _classes(module: ast.Module) -> Iterator[ast.ClassDef]:
    return (node for node in module.body if isinstance(node, ast.ClassDef))


def _documented(node: ast.ClassDef) -> set[str]:
    return {each.name for each in node.body if isinstance(each, Function) and ast.get_docstring(each)}


def _silent(node: ast.ClassDef) -> list[Function]:
    return [each for each in node.body if isinstance(each, Function) and not ast.get_docstring(each)]


# What a class may implement is decided at run time; a method documented anywhere under its name will do.
DOCUMENTED = set().union(*(_documented(node) for module in TREES.values() for node in _classes(module)))


@pytest.mark.parametrize("path", TREES, ids=shown)
def test_every_public_method_is_documented_here_or_at_its_port(path: Path) -> None:
    silent = [
        f"{node.name}.{method.name}"
        for node in _classes(TREES[path])
        if not node.name.startswith("_")
        for method in _silent(node)
        # An RPC is documented in its proto.
        if not method.name.startswith("_") and not method.name[0].isupper() and method.name not in DOCUMENTED
    ]
    assert silent == []
