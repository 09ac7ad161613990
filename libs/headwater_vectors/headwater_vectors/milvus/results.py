"""What a search found, as pymilvus hands it over."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Entity = Mapping[str, Any]


def hits_of(found: Any) -> Iterator[tuple[Entity, float]]:
    """Entities and distances of one query, best first.

    pymilvus parses every JSON field of every hit when the list is first looked into, and looks each key up in Python:
    half of what a search costs its caller. Headings and metadata are much the same from hit to hit, so what is equal
    is parsed once, and is not to be changed. Where another pymilvus does not put JSON off, the list is read as it is.
    """
    lazy = getattr(found, "lazy_field_data", None)
    if not lazy or not all(field.scalars.HasField("json_data") for field in lazy):
        yield from ((hit["entity"], float(hit["distance"])) for hit in found)
        return
    parsed: dict[bytes, Any] = {}
    columns = {field.field_name: [_parse(each, parsed) for each in field.scalars.json_data.data] for field in lazy}
    for place in range(len(found)):
        hit = found.get_raw_item(place)
        entity = dict.__getitem__(hit, "entity")
        entity.update((name, column[place]) for name, column in columns.items())
        yield entity, float(dict.__getitem__(hit, "distance"))


def _parse(value: bytes, parsed: dict[bytes, Any]) -> Any:
    if value not in parsed:
        parsed[value] = json.loads(value)
    return parsed[value]
