"""What all commands print alike."""

import json
from collections.abc import Mapping
from typing import Any

import typer


def echo_json(values: Mapping[str, Any]) -> None:
    """Prints one JSON object on standard output."""
    typer.echo(json.dumps(values, indent=2, default=str))
