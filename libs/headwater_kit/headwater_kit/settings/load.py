"""Reading settings, with faults that an operator can act on."""

import os
import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError as SourceError

from headwater_kit.core.errors import Misconfigured
from headwater_kit.settings.base import PREFIX, Settings

S = TypeVar("S", bound=Settings)


class SettingsError(Misconfigured):
    """Settings that do not fit; `faults` has one line each and never a value that may be secret."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults), reason="SETTINGS")
        self.faults = faults


def env_name(field: str) -> str:
    """The environment variable of a field."""
    return f"{PREFIX}{field}".upper()


def load(kind: type[S]) -> S:
    """Settings from the environment, and from the files of HEADWATER_SECRETS_DIR. Raises SettingsError.

    A file there is named as the variable that it stands for, in whichever case;
    the variable itself goes before it.
    """
    folder = _secrets_dir()
    try:
        return kind(_secrets_dir=folder)  # type: ignore[call-arg] # pydantic-settings' own, which its plugin does not know
    except ValidationError as error:
        raise SettingsError(tuple(_fault(kind, fault) for fault in error.errors())) from None
    except SourceError as error:
        raise SettingsError((_unreadable(kind, str(error)),)) from None


def _secrets_dir() -> Path | None:
    # By hand, since it says where the settings are.
    name = env_name("secrets_dir")
    folder = os.environ.get(name, "").strip()
    if folder and not Path(folder).is_dir():
        raise SettingsError((f"{name}: {folder} is no folder: mount the secrets there, or name where they are",))
    return Path(folder) if folder else None


def _fault(kind: type[BaseModel], fault: Any) -> str:
    # Messages of our own validators name the variables themselves.
    text = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return text
    return _line(kind, str(fault["loc"][0]), f"{text[:1].lower()}{text[1:]}")


def _unreadable(kind: type[BaseModel], text: str) -> str:
    # The library names the field in its words only.
    found = re.search(r'field "(\w+)"', text)
    return _line(kind, found[1], "is not JSON") if found else text


def _line(kind: type[BaseModel], field: str, text: str) -> str:
    description = kind.model_fields[field].description if field in kind.model_fields else ""
    return f"{env_name(field)}: {text} ({description})"
