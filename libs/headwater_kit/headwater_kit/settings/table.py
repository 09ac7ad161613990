"""Settings as rows for people: in `--help` and in a README."""

import json
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from headwater_kit.settings.load import env_name


@dataclass(frozen=True, slots=True)
class Row:
    """One setting."""

    env: str
    type: str
    default: str
    description: str


def rows(kind: type[BaseModel]) -> list[Row]:
    """Every setting of a service: its own first, then those of all services, each by name."""
    own = {name for name in kind.model_fields if name in kind.__annotations__}
    names = sorted(kind.model_fields, key=lambda name: (name not in own, name))
    return [_row(name, kind.model_fields[name]) for name in names]


def as_text(kind: type[BaseModel]) -> str:
    """The table as `--help` prints it."""
    lines = []
    for row in rows(kind):
        default = f", default {row.default}" if row.default else ""
        lines.append(f"  {row.env} ({row.type}{default})\n      {row.description}")
    return "\n".join(lines)


def as_markdown(kind: type[BaseModel]) -> str:
    """The table as it stands in a README."""
    lines = ["| variable | type | default | meaning |", "|---|---|---|---|"]
    for row in rows(kind):
        default = f"`{row.default}`" if row.default else ""
        cells = (f"`{row.env}`", row.type, default, row.description)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def _row(name: str, field: FieldInfo) -> Row:
    return Row(env_name(name), _type(field.annotation), _default(field), field.description or "")


def _type(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(str(word) for word in typing.get_args(annotation))
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return " or ".join(_type(part) for part in typing.get_args(annotation) if part is not types.NoneType)
    if (container := typing.get_origin(annotation)) in (tuple, dict):
        return "JSON list" if container is tuple else "JSON object"
    words = {str: "text", int: "integer", float: "number", bool: "true or false", SecretStr: "secret", Path: "path"}
    return words.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=False)
    if value is None or field.is_required():
        return "required" if field.is_required() else ""
    if isinstance(value, SecretStr):
        return ""
    return json.dumps(value) if isinstance(value, bool | tuple | dict) else str(value)
