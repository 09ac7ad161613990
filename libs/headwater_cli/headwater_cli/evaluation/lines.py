"""Files of a set, line by line, with the place of what is wrong."""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headwater_kit.core.errors import InvalidInput


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, by number from 1; gzipped ones unpacked. Raises InvalidInput."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if text.strip():
                    yield number, text
    except UnicodeDecodeError:
        raise InvalidInput(f"{path}, line {number}: is not UTF-8", field=field_of(path)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidInput(f"{path} cannot be unpacked after line {number}: {error}", field=field_of(path)) from None


def objects(path: Path) -> Iterator[tuple["Place", Mapping[str, Any]]]:
    """The JSON objects, one a line, each with its place. Raises InvalidInput."""
    for number, line in text_lines(path):
        place = Place(path, number)
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"{place}: is no JSON: {error}", field=field_of(path)) from None
        if not isinstance(row, dict):
            raise InvalidInput(f"{place}: is no JSON object", field=field_of(path))
        yield place, row


class Place:
    """A line of a file, as a person names it."""

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        self.number = number

    def __str__(self) -> str:
        return f"{self.path}, line {self.number}"


def identifier(row: Mapping[str, Any], place: Place) -> str:
    """What `_id` says; a number will do. Raises InvalidInput."""
    found = row.get("_id")
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise InvalidInput(f"{place}: needs an _id, a string that is not empty", field=field_of(place.path))
    return str(found)


def text_of(row: Mapping[str, Any], name: str, place: Place, *, required: bool = True) -> str:
    """What a field says; where it is not required and not there, nothing. Raises InvalidInput."""
    found = row.get(name)
    if found is None and not required:
        return ""
    if not isinstance(found, str):
        raise InvalidInput(f"{place}: needs {name}, a string", field=field_of(place.path))
    # JSON may escape half a character; nothing that is sent can hold one.
    return found.encode(errors="replace").decode()


def field_of(path: Path) -> str:
    """Which part of a set a file is: corpus, queries or qrels."""
    return "qrels" if path.parent.name == "qrels" else path.name.split(".")[0]
