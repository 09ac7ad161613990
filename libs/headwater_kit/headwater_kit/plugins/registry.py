"""Adapters by name: a built-in table, then entry points; imported on use."""

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from headwater_kit.core.errors import Misconfigured


class Registry:
    """The adapters of one kind.

    `builtin` maps a name to "module:attribute". Other packages add theirs as
    entry points of the group `headwater.<kind>`; they cannot replace a built-in.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str]) -> None:
        self._kind = kind
        self._builtin = dict(builtin)

    def names(self) -> tuple[str, ...]:
        """All known names, sorted."""
        return tuple(sorted(self._table()))

    def load(self, name: str) -> Any:
        """The attribute behind `name`; its module is imported now.

        Raises Misconfigured where the name is unknown or its import fails.
        """
        path = self._table().get(name)
        if path is None:
            known = ", ".join(self.names())
            raise Misconfigured(f"there is no {self._kind} named {name!r}: choose one of {known}")
        module, _, attribute = path.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise Misconfigured(f"the {self._kind} {name!r} cannot be loaded from {path}: {error}") from error

    def _table(self) -> dict[str, str]:
        found = {point.name: point.value for point in entry_points(group=f"headwater.{self._kind}")}
        return {**found, **self._builtin}
