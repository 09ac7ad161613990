"""Parts with the vectors of the model that a collection holds, whichever the log has them by."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from headwater_kit.core.crash import crash_point
from headwater_kit.core.documents import Lane, embedding_text
from headwater_kit.core.errors import Misconfigured, NotFound, Unavailable
from headwater_kit.core.events import DocumentEmbedded
from headwater_vectors.ports import Model

from headwater_index.ports import Encoder


class Translation:
    """Embeds a part anew where its vectors are of another model than the collection's (I6).

    The log has parts by every model that it ever was written with, and a
    collection rows by one. `is_bulk` is for what nobody waits for; that a model
    is not served yet is then waited for, too, as it is where `is_patient`.
    """

    def __init__(self, encoder: Encoder, *, is_bulk: bool, is_patient: bool = False) -> None:
        self._encoder = encoder
        self._is_bulk = is_bulk
        self._is_patient = is_patient or is_bulk

    async def of(self, part: DocumentEmbedded, model: Model) -> DocumentEmbedded:
        """The part with vectors of this model. Raises Unavailable, Misconfigured where embed does not serve it."""
        if part.model_id == model.model_id:
            return part
        is_bulk = self._is_bulk or part.chunked.provenance.lane is Lane.BACKFILL
        try:
            vectors = await self._embed(_texts(part), model, is_bulk=is_bulk)
        except NotFound as error:
            if self._is_patient:
                raise Unavailable(f"embed does not serve the model yet: {error.message}") from error
            raise Misconfigured(
                f"the collection holds vectors of {model.model_id}, not of {part.model_id}: "
                "run embed with that model, change to the other by `headwater reindex`, or use another store"
            ) from error
        return _with(part, vectors, model)

    async def of_all(self, parts: Sequence[DocumentEmbedded], model: Model) -> Sequence[DocumentEmbedded]:
        """The parts with vectors of this model, embedded together. Raises what the encoder raises."""
        texts = [_texts(part) if part.model_id != model.model_id else [] for part in parts]
        wanted = [text for some in texts for text in some]
        if not wanted:
            return parts
        vectors = iter(await self._embed(wanted, model, is_bulk=True))
        return [
            _with(part, list(islice(vectors, len(some))), model) if some else part
            for part, some in zip(parts, texts, strict=True)
        ]

    async def _embed(self, texts: Sequence[str], model: Model, *, is_bulk: bool) -> Sequence[bytes]:
        vectors = await self._encoder.passages(texts, model.model_id, is_bulk=is_bulk)
        crash_point("index.reindex_translated")
        return vectors


def _texts(part: DocumentEmbedded) -> list[str]:
    chunked = part.chunked
    return [embedding_text(chunked.info.title, chunk.heading_path, chunk.text) for chunk in chunked.chunks]


def _with(part: DocumentEmbedded, vectors: Sequence[bytes], model: Model) -> DocumentEmbedded:
    return replace(part, vectors=tuple(vectors), model_id=model.model_id, dimension=model.dimension)
