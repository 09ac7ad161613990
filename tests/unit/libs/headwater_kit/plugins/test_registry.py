import pytest
from headwater_kit.core.errors import Misconfigured
from headwater_kit.plugins import Registry

REGISTRY = Registry("test-kind", {"b": "json:loads", "a": "json:dumps", "broken": "json:nothing", "lost": "no_such:x"})


def test_a_name_gives_its_attribute() -> None:
    import json

    assert REGISTRY.load("b") is json.loads


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match="'x': choose one of a, b, broken, lost"):
        REGISTRY.load("x")


@pytest.mark.parametrize("name", ["broken", "lost"])
def test_what_cannot_be_imported_names_its_path(name: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be loaded from"):
        REGISTRY.load(name)


def test_an_entry_point_adds_and_does_not_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    import json
    from importlib.metadata import EntryPoint

    group = "headwater.test-kind"
    found = [EntryPoint("extra", "json:load", group), EntryPoint("b", "json:dump", group)]
    monkeypatch.setattr("headwater_kit.plugins.registry.entry_points", lambda group: found)
    assert REGISTRY.load("extra") is json.load
    assert REGISTRY.load("b") is json.loads
