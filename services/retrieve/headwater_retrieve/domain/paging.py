"""Pages of a list that may change between them.

A cursor holds what was shown already, so that nothing is shown twice, and a
fingerprint of the list that it was shown of, so that a reader can be told when
the list is another one. It is bound to who asked and for what by a checksum:
one that was made for something else, or was altered, is refused. It needs no
secret, as it opens nothing: a page is searched for with its reader's own rights,
and who forges a cursor hides passages from himself.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import InvalidInput

_LAYOUT = b"\x02"
_CHECK_BYTES = 12
_PRINT_BYTES = 8
_SEED_BYTES = 8
# 48 bits: of a thousand passages two share a name once in half a billion lists.
_NAME_BYTES = 6
_HEAD = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on: how many passages were shown, of which list, and what stood in them.

    `seed`, 8 bytes: of the chance that had a part in its order.
    """

    count: int = 0
    fingerprint: bytes = b""
    shown: frozenset[bytes] = frozenset()
    seed: bytes = bytes(_SEED_BYTES)

    def encode(self, binding: str) -> str:
        """As a reader hands it back; letters, digits, - and _."""
        body = b"".join((_LAYOUT, _HEAD.pack(self.count), self.seed, self.fingerprint, *sorted(self.shown)))
        return _digits(body + _checksum(body, binding))

    @classmethod
    def decode(cls, text: str, binding: str) -> "Cursor":
        """Raises InvalidInput (BAD_CURSOR) for what `encode` did not make with this binding."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _refusal() from None
        body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
        seeded = len(_LAYOUT) + _HEAD.size
        head = seeded + _SEED_BYTES
        # The last digit holds bits that decode to nothing: one cursor is written in one way only.
        if (
            _digits(raw) != text
            or check != _checksum(body, binding)
            or body[:1] != _LAYOUT
            or len(body) < head + _PRINT_BYTES
        ):
            raise _refusal()
        names = body[head + _PRINT_BYTES :]
        shown = frozenset(names[at : at + _NAME_BYTES] for at in range(0, len(names), _NAME_BYTES))
        count = _HEAD.unpack_from(body, len(_LAYOUT))[0]
        return cls(count, body[head : head + _PRINT_BYTES], shown, body[seeded:head])


def fingerprint(passages: Iterable[Passage]) -> bytes:
    """Names a list: the same passages of the same versions in the same order."""
    parts = (f"{each.document_id}\x1f{each.version}\x1f{each.chunk.ordinal}" for each in passages)
    return _digest("\x1e".join(parts), _PRINT_BYTES)


def name(document_id: str, text_hash: str = "") -> bytes:
    """Names what was shown: a text of a document, in whatever version; or a whole document."""
    return _digest(f"{document_id}\x1f{text_hash}", _NAME_BYTES)


def first_documents(passages: Sequence[Passage], documents: int) -> list[Passage]:
    """The passages of the first so many documents, which stand together."""
    names = set(list(dict.fromkeys(passage.document_id for passage in passages))[:documents])
    return [passage for passage in passages if passage.document_id in names]


def _digits(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _checksum(body: bytes, binding: str) -> bytes:
    return hashlib.blake2b(body + binding.encode(errors="surrogatepass"), digest_size=_CHECK_BYTES).digest()


def _digest(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=size).digest()


def _refusal() -> InvalidInput:
    return InvalidInput(
        "cursor is not of this search: ask with the same query, filter and options as before, or begin without one",
        field="cursor",
        reason="BAD_CURSOR",
    )
