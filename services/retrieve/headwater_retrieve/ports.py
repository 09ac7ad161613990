"""What searching needs from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import DocumentKey
from headwater_kit.core.impressions import ImpressionRecorded
from headwater_kit.core.learning import ModelName, ModelPublished
from headwater_vectors.ports import LedgerRow, Legs, VectorReader
from headwater_vectors.ports import Query as StoreQuery

__all__ = [
    "DocumentLog",
    "EncoderCatalogue",
    "ImpressionLog",
    "Legs",
    "QueryEncoder",
    "QueryVector",
    "Reranker",
    "ServedVersions",
    "SnapshotVerifier",
    "StoreQuery",
    "VectorReader",
]


@dataclass(frozen=True, slots=True)
class QueryVector:
    """A query's vector: packed little-endian float32 of length 1, and the model that made it."""

    vector: bytes
    model_id: str


class QueryEncoder(Protocol):
    """Turns a query into a vector.

    Adapters: `adapters.remote` (the embed service) and `adapters.memory`.
    """

    async def encode(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """The query's vector by this model, with its query prefix; by the encoder's default where none is named.

        Raises Transient errors when it cannot be had in time, NotFound for a model that is not served.
        """
        ...

    async def encode_stored(self, text: str, model_id: str, deadline: Deadline) -> QueryVector:
        """The same of a text that reads as a stored one, with their prefix."""
        ...


class EncoderCatalogue(Protocol):
    """Tells what encoders are. Adapters: `adapters.remote` (the embed service) and `adapters.memory`."""

    async def scripts(self, model_id: str, deadline: Deadline) -> Sequence[str]:
        """The scripts that this model was trained on, by the first word of their Unicode names, or `any`.

        None where nobody said, or the model is not known. Raises Transient errors when it cannot be told in time.
        """
        ...


class ServedVersions(Protocol):
    """Tells which versions searches return: the served collection, as `headwater_vectors.ports.VectorWriter` has it."""

    async def ledger(self, keys: Sequence[DocumentKey]) -> Sequence[LedgerRow | None]:
        """The rows served, one a key, same order; reads all acknowledged writes. Raises Unavailable."""
        ...


class Reranker(Protocol):
    """Tells how well passages answer a question, having read both together.

    Adapters: `adapters.remote` (the embed service) and `adapters.memory`.
    """

    async def score(self, question: str, passages: Sequence[str], deadline: Deadline) -> Sequence[float]:
        """One number a passage, in their order: more is better, and only those of one call compare.

        Raises Transient errors when they cannot be had in time, NotFound where there is no such model.
        """
        ...


class ImpressionLog(Protocol):
    """Takes down which lists were shown.

    Adapters: `events.ImpressionPublisher` and `adapters.memory`.
    """

    async def record(self, impression: ImpressionRecorded) -> None:
        """Hands the impression over; returns within a bound, acknowledged or not, and never raises."""
        ...


class SnapshotVerifier(Protocol):
    """Says whether a learned model is what its publisher meant to be served here.

    Adapters: `headwater_kit.auth.snapshots` and `adapters.memory`.
    """

    def verify(self, key: bytes | None, published: ModelPublished) -> ModelName:
        """What the record, which stands under `key` of `models.v1`, is a model of. Never blocks.

        Raises InvalidInput where it is another's, was altered, or nobody known signed it.
        """
        ...


class DocumentLog(Protocol):
    """Tells how far `documents.v1` goes, by partition. Adapters: `adapters.log` and `adapters.memory`.

    Both calls raise Unavailable where the broker does not say within `seconds`.
    """

    async def end_offsets(self, seconds: float) -> Mapping[int, int]:
        """The offset after the last record, now."""
        ...

    async def offsets_at(self, time: float, seconds: float) -> Mapping[int, int]:
        """The offset of the first record that was produced at `time` or later, or after the last one.

        `time` in seconds since the epoch.
        """
        ...
