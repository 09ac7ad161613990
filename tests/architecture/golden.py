"""What a release writes to the topics, kept for those after it: its schema, and a full record of each kind.

`PYTHONPATH=tests python -m architecture.golden 0.2.0` writes them (`make golden RELEASE=0.2.0`), once, as the release is
made; they are never changed afterwards.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from architecture.filled import filled
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from headwater_kit.codec.events import CODECS

FOLDER = Path(__file__).parents[1] / "golden"
SCHEMA = "schema.binpb"
MESSAGES = {codec.message.DESCRIPTOR.full_name: kind for kind, codec in CODECS.items()}


def full(name: str) -> Message:
    """A record of that message as it is now, with every field set."""
    return filled(CODECS[MESSAGES[name]].message())


def schema() -> FileDescriptorSet:
    """The files that the topics' messages are declared in, each after those that it needs."""
    found: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for needed in file.dependencies:
            add(needed)
        found.setdefault(file.name, file)

    for codec in CODECS.values():
        add(codec.message.DESCRIPTOR.file)
    files = FileDescriptorSet()
    for file in found.values():
        file.CopyToProto(files.file.add())
    return files


class Release:
    """What was kept of one."""

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self._folder = folder
        self._pool = DescriptorPool()
        for file in FileDescriptorSet.FromString((folder / SCHEMA).read_bytes()).file:
            self._pool.Add(file)  # type: ignore[no-untyped-call]

    def records(self) -> Iterator[tuple[str, bytes]]:
        """A record of each kind, by the message's name."""
        for path in sorted(self._folder.glob("headwater.*.binpb")):
            yield path.stem, path.read_bytes()

    def message(self, name: str) -> type[Message]:
        """The message as the release knew it."""
        return GetMessageClass(self._pool.FindMessageTypeByName(name))


def releases() -> list[Release]:
    """All that were kept."""
    return [Release(folder) for folder in sorted(FOLDER.iterdir()) if folder.is_dir()]


def write(release: str) -> None:
    """Keeps the present one under that name. Raises FileExistsError for one that is there."""
    folder = FOLDER / release
    folder.mkdir(parents=True)
    (folder / SCHEMA).write_bytes(schema().SerializeToString(deterministic=True))
    for name in MESSAGES:
        (folder / f"{name}.binpb").write_bytes(full(name).SerializeToString(deterministic=True))


if __name__ == "__main__":
    write(sys.argv[1])
