"""The two collections: fields, limits, indexes. Everything that names a field is here or in `rows`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from headwater_kit.core.errors import Misconfigured, Unavailable
from headwater_kit.core.readers import GROUP, MAX_READERS
from pymilvus import CollectionSchema, DataType, Function, FunctionType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from headwater_vectors.bm25 import K1, B
from headwater_vectors.milvus.capabilities import Capabilities
from headwater_vectors.ports import Model

# Milvus' limit for a VARCHAR, in bytes.
MAX_BYTES = 65_535
# 512 characters of at most 4 bytes (core.documents.MAX_ID_CHARACTERS).
MAX_ID_BYTES = 2_048
MAX_READER_BYTES = len(GROUP) + MAX_ID_BYTES
# 32 hex digits, a colon and a 64-bit number.
MAX_REVISION_BYTES = 64
# Malkov and Yashunin (2018): M 16 and a few hundred candidates while building suit hundreds of dimensions.
HNSW = {"M": 16, "efConstruction": 200}
# Milvus has no collection without a vector.
LEDGER_DIMENSION = 2
_LEDGER_SUFFIX = "_ledger"
# Names of collection properties.
MODEL_ID = "headwater.model_id"
DIMENSION = "headwater.dimension"
LAYOUT = "headwater.layout"
ISOLATION = "headwater.isolation"
# Of fields, ids and what rows mean; 3: a chunk names its readers.
LAYOUT_NUMBER = "3"
# Of collections from before documents had readers: all that is in one is there for its whole tenant.
OPEN_LAYOUT_NUMBER = "2"

PRIMARY = "row_id"
HIT_FIELDS = (
    "row_id", "tenant", "document_id", "version", "ordinal", "text", "heading_path", "start_character",
    "end_character", "token_count", "text_hash", "title", "source_uri", "media_type", "metadata", "readers",
)  # fmt: skip
STATE_FIELDS = ("document_row", "document_id", "version", "deleted", "chunk_count", "writer", "switch_number")


class NoReaders(Unavailable):
    """The served collection cannot keep a document to its readers: come again when it is rebuilt."""

    reason = "NO_READERS"


class Isolation(StrEnum):
    """What tenants share: collections, a database with collections for each, or a server with a database for each."""

    SHARED = "shared"
    COLLECTION = "collection"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a collection holds: vectors of which model, of which tenants, and whether its rows name their readers."""

    model: Model
    isolation: Isolation = Isolation.SHARED
    has_readers: bool = True

    @property
    def hit_fields(self) -> tuple[str, ...]:
        """Fields of a chunk's row that a hit is made of."""
        return HIT_FIELDS if self.has_readers else tuple(name for name in HIT_FIELDS if name != "readers")


def collection_name(alias: str, model: Model, label: str = "") -> str:
    """Name of a model's collection under an alias; a shadow's ends in its label."""
    name = f"{alias}_{re.sub('[^0-9A-Za-z]', '_', model.model_id)[:8]}"
    return f"{name}_{label}" if label else name


def ledger_name(collection: str) -> str:
    """Name of the ledger beside a collection."""
    return f"{collection}{_LEDGER_SUFFIX}"


def is_ledger(collection: str) -> bool:
    """True of a name that `ledger_name` gave."""
    return collection.endswith(_LEDGER_SUFFIX)


def chunks_schema(layout: Layout, engine: Capabilities) -> CollectionSchema:
    """A row a chunk: what a hit shows, what filters ask for, and the two things that are searched."""
    is_shared = layout.isolation is Isolation.SHARED
    # Metadata keys are dynamic fields, one a key and type (`filters.attribute`).
    schema = MilvusClient.create_schema(enable_dynamic_field=True)
    schema.add_field("row_id", DataType.VARCHAR, is_primary=True, max_length=MAX_REVISION_BYTES)
    schema.add_field("tenant", DataType.VARCHAR, max_length=MAX_ID_BYTES, is_partition_key=is_shared)
    schema.add_field("document_id", DataType.VARCHAR, max_length=MAX_ID_BYTES)
    schema.add_field("revision", DataType.VARCHAR, max_length=MAX_REVISION_BYTES)
    for name in ("version", "ordinal", "start_character", "end_character", "token_count"):
        schema.add_field(name, DataType.INT64)
    for name in ("text", "title", "source_uri", "media_type"):
        schema.add_field(name, DataType.VARCHAR, max_length=MAX_BYTES)
    schema.add_field("text_hash", DataType.VARCHAR, max_length=MAX_REVISION_BYTES)
    schema.add_field("heading_path", DataType.JSON)
    schema.add_field("metadata", DataType.JSON)
    schema.add_field(
        "readers", DataType.ARRAY, element_type=DataType.VARCHAR, max_length=MAX_READER_BYTES, max_capacity=MAX_READERS
    )
    analyzer = {"tokenizer": engine.tokenizer}
    schema.add_field("lexical", DataType.VARCHAR, max_length=MAX_BYTES, enable_analyzer=True, analyzer_params=analyzer)
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_field("dense", DataType.FLOAT_VECTOR, dim=layout.model.dimension)
    schema.add_function(Function("bm25", FunctionType.BM25, ["lexical"], ["sparse"]))
    return schema


def chunks_indexes(engine: Capabilities) -> IndexParams:
    """HNSW by cosine, BM25 over the lexical field, and where they help, readers by name."""
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("dense", index_type="HNSW", metric_type="COSINE", params=HNSW)
    bm25: dict[str, Any] = {"bm25_k1": K1, "bm25_b": B}
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=bm25)
    if engine.scalar_indexes:
        indexes.add_index("readers", index_type="INVERTED")
    return indexes


def ledger_schema() -> CollectionSchema:
    """A row a version of a document, of which the highest is what searches return, and who switched to it when."""
    schema = MilvusClient.create_schema(enable_dynamic_field=False)
    schema.add_field("row_id", DataType.VARCHAR, is_primary=True, max_length=MAX_REVISION_BYTES)
    schema.add_field("document_row", DataType.VARCHAR, max_length=MAX_REVISION_BYTES)
    schema.add_field("tenant", DataType.VARCHAR, max_length=MAX_ID_BYTES)
    schema.add_field("document_id", DataType.VARCHAR, max_length=MAX_ID_BYTES)
    schema.add_field("version", DataType.INT64)
    schema.add_field("deleted", DataType.BOOL)
    schema.add_field("chunk_count", DataType.INT64)
    schema.add_field("writer", DataType.VARCHAR, max_length=MAX_REVISION_BYTES)
    schema.add_field("switch_number", DataType.INT64)
    schema.add_field("nothing", DataType.FLOAT_VECTOR, dim=LEDGER_DIMENSION)
    return schema


def ledger_indexes(engine: Capabilities) -> IndexParams:
    """The ledger is asked by document; and Milvus loads no collection without an index on its vector."""
    indexes = MilvusClient.prepare_index_params()
    indexes.add_index("nothing", index_type="FLAT", metric_type="L2")
    if engine.scalar_indexes:
        indexes.add_index("document_row", index_type="INVERTED")
    return indexes


def properties(layout: Layout) -> dict[str, str]:
    """A collection's properties: say whose vectors it holds, and how."""
    model = layout.model
    return {
        MODEL_ID: model.model_id,
        DIMENSION: str(model.dimension),
        LAYOUT: LAYOUT_NUMBER,
        ISOLATION: layout.isolation.value,
    }


def layout_of(name: str, found: Mapping[str, str]) -> Layout:
    """How a collection is laid out, by its properties.

    Raises Misconfigured where Headwater did not make it, or a version of Headwater with another layout did.
    """
    try:
        model = Model(found[MODEL_ID], int(found[DIMENSION]))
    except (ValueError, KeyError):
        raise Misconfigured(f"the collection {name} is not Headwater's: use another store or drop it") from None
    number = found.get(LAYOUT)
    if number not in (LAYOUT_NUMBER, OPEN_LAYOUT_NUMBER):
        raise Misconfigured(
            f"the collection {name} was made by another version of Headwater: "
            "start with a new data folder or store, or drop the collection and let it be filled again from the topics"
        )
    isolation = Isolation(found.get(ISOLATION, Isolation.SHARED))
    return Layout(model, isolation, has_readers=number != OPEN_LAYOUT_NUMBER)


def check_isolation(name: str, layout: Layout, wanted: Isolation) -> None:
    """Raises Misconfigured where a collection was made for tenants to share something else."""
    if layout.isolation is not wanted:
        raise Misconfigured(
            f"the collection {name} was made with HEADWATER_MILVUS_ISOLATION={layout.isolation}, not {wanted}: "
            "keep to that, or use an empty store and fill it with `headwater reconcile --repair`"
        )
