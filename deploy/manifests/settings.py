"""Every setting for the ConfigMap, at its default, and every secret one for the Secret.

An empty variable counts as unset, so a setting without a default, or with
another in each service, is there all the same.
"""

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import groupby
from typing import Any

from headwater_kit.settings.load import env_name
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from manifests.documents import MADE
from manifests.services import CANARY, SERVICES, settings_of

READERS = (*SERVICES, CANARY)
ALL = "all services"


def defaults() -> str:
    """The file of settings that are no secrets."""
    return _file("Every setting at its default. What a cluster sets otherwise stands in ../settings.env.", _values())


def secrets() -> str:
    """The file of those that are."""
    how = "Every secret setting. Fill in a copy: kubectl create secret generic headwater --from-env-file=COPY"
    return _file(how, dict.fromkeys(_by_variable(is_secret=True), ""))


def _file(said: str, values: Mapping[str, str]) -> str:
    return "\n".join((f"# {MADE}", f"# {said}", *_sections(values))) + "\n"


def _sections(values: Mapping[str, str]) -> Iterator[str]:
    def readers(variable: str) -> tuple[str, ...]:
        return tuple(reader for reader in READERS if variable in _variables(reader))

    ordered = sorted(values, key=lambda variable: (-len(readers(variable)), readers(variable), variable))
    for group, variables in groupby(ordered, readers):
        yield f"# {ALL if set(SERVICES) <= set(group) else ', '.join(group)}"
        yield from (f"{variable}={values[variable]}" for variable in variables)


def _values() -> Mapping[str, str]:
    # Where they differ, as ports do, each service keeps its own.
    texts = {variable: {_text(field) for field in fields} for variable, fields in _by_variable(is_secret=False).items()}
    return {variable: min(each) if len(each) == 1 else "" for variable, each in texts.items()}


def _by_variable(*, is_secret: bool) -> dict[str, list[FieldInfo]]:
    found: dict[str, list[FieldInfo]] = {}
    for reader in READERS:
        for variable, field in _variables(reader).items():
            if (field.annotation is SecretStr) == is_secret:
                found.setdefault(variable, []).append(field)
    return found


def _variables(reader: str) -> Mapping[str, FieldInfo]:
    return {env_name(name): field for name, field in settings_of(reader).model_fields.items()}


def _text(field: FieldInfo) -> str:
    value: Any = field.default
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool | tuple | dict):
        return json.dumps(value)
    return "" if value is None else str(value)
