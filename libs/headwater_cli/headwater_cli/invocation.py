"""What every command is given: the global options and the settings."""

from dataclasses import dataclass
from typing import cast

import typer

from headwater_cli.platform.layout import Layout
from headwater_cli.settings import PlatformSettings


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of `headwater`."""

    layout: Layout
    settings: PlatformSettings
    debug: bool

    @classmethod
    def of(cls, ctx: typer.Context) -> "Invocation":
        """The invocation that a command's context carries."""
        return cast("Invocation", ctx.obj)
