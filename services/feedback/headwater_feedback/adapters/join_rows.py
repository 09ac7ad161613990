"""Join states in a table of bytes, such as Faust keeps in its changelog.

What was shown is written once, and is most of it; what becomes of it is a
short row beside it, written with each reaction.
"""

import asyncio
import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from headwater_kit.codec.events import decode, encode
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionRecorded, Reaction

from headwater_feedback.domain.join import JoinState, Terms
from headwater_feedback.ports import Waiting

# After the impression id, in the key of what was shown.
SHOWN = "\x1f"


class Rows(Protocol):
    """Rows of bytes by key, each of a record key; those of other processes may be among them."""

    @property
    def values(self) -> Mapping[str, bytes]:
        """All of them, to read."""
        ...

    def owns(self, record_key: str) -> bool:
        """Whether this process writes the rows of the record key."""
        ...

    async def write(self, key: str, value: bytes | None, record_key: str) -> None:
        """Sets the row, or with None takes it out; returns once that is kept.

        Of writes begun one after the other, none is kept without those before it.
        """
        ...


class MemoryRows:
    """`Rows` in a dict, all of them this process's."""

    def __init__(self, values: MutableMapping[str, bytes] | None = None) -> None:
        self.values: MutableMapping[str, bytes] = {} if values is None else values

    def owns(self, record_key: str) -> bool:
        """See `Rows`."""
        return True

    async def write(self, key: str, value: bytes | None, record_key: str) -> None:
        """See `Rows`."""
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value


class TableJoinStates:
    """`ports.JoinStates` over such rows, with when each is due beside them."""

    def __init__(self, rows: Rows, terms: Terms | None = None) -> None:
        self._rows = rows
        self._terms = terms or Terms()
        self._waiting: dict[str, Waiting] | None = None

    def reload(self) -> None:
        """Forgets what was noted of the rows; call it when they changed underneath, as in a rebalance."""
        self._waiting = None

    def get(self, impression_id: str) -> JoinState | None:
        """See `ports.JoinStates`."""
        row = self._rows.values.get(impression_id)
        return _state(row, self._rows.values.get(impression_id + SHOWN)) if row else None

    def find(self, impression_id: str) -> ImpressionRecorded | None:
        """See `handlers.recording.Shown`."""
        if not self.owns(impression_id):
            raise LookupError("another process follows it")
        shown = self._rows.values.get(impression_id + SHOWN)
        return decode(ImpressionRecorded, shown) if shown else None

    async def put(self, impression_id: str, state: JoinState) -> None:
        """See `ports.JoinStates`."""
        rows = {impression_id: _row(state)}
        shown = encode(state.impression) if state.impression else None
        if shown and self._rows.values.get(impression_id + SHOWN) != shown:
            rows = {impression_id + SHOWN: shown, **rows}
        await self._write(rows, impression_id)
        self._noted()[impression_id] = self._note(impression_id, state)

    async def drop(self, impression_id: str) -> None:
        """See `ports.JoinStates`."""
        # In this order: a row without what was shown would look as if that were still to come.
        keys = [impression_id] + [impression_id + SHOWN] * (impression_id + SHOWN in self._rows.values)
        await self._write(dict.fromkeys(keys), impression_id)
        self._noted().pop(impression_id, None)

    def waiting(self) -> Sequence[Waiting]:
        """See `ports.JoinStates`."""
        return sorted(self._noted().values())

    def owns(self, impression_id: str) -> bool:
        """See `ports.JoinStates`."""
        return self._rows.owns(impression_id)

    async def _write(self, rows: Mapping[str, bytes | None], impression_id: str) -> None:
        """In this order, which is kept where they are, but without waiting for one before the next."""
        await asyncio.gather(*(self._rows.write(key, value, impression_id) for key, value in rows.items()))

    def _noted(self) -> dict[str, Waiting]:
        if self._waiting is None:
            mine = {key.removesuffix(SHOWN) for key in self._rows.values}
            self._waiting = {key: self._found(key) for key in mine if self._rows.owns(key)}
        return self._waiting

    def _found(self, impression_id: str) -> Waiting:
        """A crash between two writes may leave what was shown alone; rows of older builds are let go, too."""
        state = self.get(impression_id)
        return self._note(impression_id, state) if state else Waiting(False, 0.0, impression_id, 0.0)

    def _note(self, impression_id: str, state: JoinState) -> Waiting:
        return Waiting(state.impression is not None, state.since, impression_id, state.due(self._terms))


def _row(state: JoinState) -> bytes:
    fields = {
        "tenant": state.tenant,
        "since": state.since,
        "cited": None if state.cited is None else list(state.cited),
        "answer_time": state.answer_time,
        "closed": state.closed,
        "reactions": [_packed(reaction) for reaction in state.reactions],
    }
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def _state(row: bytes, shown: bytes | None) -> JoinState | None:
    fields: dict[str, Any] = json.loads(row)
    if "reactions" not in fields:
        return None
    return JoinState(
        since=fields["since"],
        impression=decode(ImpressionRecorded, shown) if shown else None,
        cited=None if fields["cited"] is None else tuple(fields["cited"]),
        answer_time=fields["answer_time"],
        reactions=tuple(_unpacked(one) for one in fields["reactions"]),
        closed=fields["closed"],
    )


def _packed(said: FeedbackRecorded) -> list[object]:
    return [
        said.feedback_id,
        said.impression_id,
        said.tenant,
        said.user,
        said.reaction,
        said.rank,
        said.time,
        said.value,
        said.text,
    ]


def _unpacked(fields: Sequence[Any]) -> FeedbackRecorded:
    feedback_id, impression_id, tenant, user, reaction, *rest = fields
    return FeedbackRecorded(feedback_id, impression_id, tenant, user, Reaction(reaction), *rest)
