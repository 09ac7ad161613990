"""Every span: how it is named, its kind, and the attributes that it must and may have.

Attributes and names follow OpenTelemetry's semantic conventions 1.44 for
messaging, RPC, databases and generative AI. None holds content: no text, no
key, no query, no vector, nobody's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.trace import SpanKind

from headwater_kit.telemetry.names import attributes as of


@dataclass(frozen=True, slots=True)
class Span:
    """A kind of span, named by a word and the values of some of its attributes.

    Each such span has the attributes `required`, and none but these and `optional`.
    """

    word: str
    named_by: tuple[str, ...]
    kind: SpanKind
    meaning: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def name(self, attributes: Mapping[str, str | int | float | bool]) -> str:
        """The name of a span with these attributes."""
        parts = [str(attributes[each]) for each in self.named_by if each in attributes]
        return " ".join([self.word, *parts] if self.word else parts)


_BUS = (of.BUS_SYSTEM, of.BUS_OPERATION, of.BUS_OPERATION_TYPE)
_SERVER = (of.SERVER_ADDRESS, of.SERVER_PORT)
_MODEL = (of.MODEL_OPERATION, of.MODEL_PROVIDER, of.MODEL_ASKED)

PROCESS = Span(
    "process",
    (of.BUS_TOPIC,),
    SpanKind.CONSUMER,
    "a record, from when its turn came until it is handled, waiting to be tried again included",
    (*_BUS, of.BUS_TOPIC, of.BUS_PARTITION, of.BUS_OFFSET, of.BUS_GROUP),
    (of.BUS_IS_TOMBSTONE, of.ERROR_TYPE),
)
SEND = Span(
    "send",
    (of.BUS_TOPIC,),
    SpanKind.PRODUCER,
    "a record, from when it is given to the broker until that has it",
    (*_BUS, of.BUS_TOPIC),
    (of.BUS_PARTITION, of.BUS_OFFSET, of.BUS_IS_TOMBSTONE, of.ERROR_TYPE),
)
SEND_BATCH = Span(
    "send",
    (of.BUS_TOPIC,),
    SpanKind.CLIENT,
    "what came of records of a partition, until the broker has it; linked to the handling of each",
    (*_BUS, of.BUS_COUNT),
    (of.BUS_TOPIC, of.ERROR_TYPE),
)
RPC_SERVED = Span(
    "",
    (of.RPC_METHOD,),
    SpanKind.SERVER,
    "a call that is served",
    (of.RPC_SYSTEM, of.RPC_METHOD, of.RPC_STATUS_CODE),
    (of.ERROR_TYPE,),
)
RPC_CALLED = Span(
    "",
    (of.RPC_METHOD,),
    SpanKind.CLIENT,
    "a call to a peer",
    (of.RPC_SYSTEM, of.RPC_METHOD, of.RPC_STATUS_CODE, *_SERVER),
    (of.ERROR_TYPE,),
)
STORE_CALLED = Span(
    "",
    (of.STORE_OPERATION, of.STORE_COLLECTION),
    SpanKind.CLIENT,
    "a request to the vector store",
    (of.STORE_SYSTEM, of.STORE_OPERATION, of.STORE_COLLECTION, *_SERVER),
    (of.STORE_ROWS_FOUND, of.STORE_ROWS_GIVEN, of.RETRIEVE_LEG, of.ERROR_TYPE),
)
CHAT = Span(
    "",
    (of.MODEL_OPERATION, of.MODEL_ASKED),
    SpanKind.CLIENT,
    "a completion by a language model",
    (*_MODEL, of.MODEL_MAX_TOKENS, of.MODEL_TEMPERATURE, of.MODEL_STREAMS, *_SERVER),
    (of.MODEL_ANSWERED, of.MODEL_END_REASONS, of.MODEL_TOKENS_READ, of.MODEL_TOKENS_WRITTEN, of.ERROR_TYPE),
)
EMBEDDINGS = Span(
    "",
    (of.MODEL_OPERATION, of.MODEL_ASKED),
    SpanKind.INTERNAL,
    "texts of a call that are encoded, their wait included",
    (*_MODEL, of.COUNT, of.MODEL_DIMENSION, of.MODEL_TOKENS_READ, of.EMBED_LANE),
    (of.ERROR_TYPE,),
)
RERANKING = Span(
    "rerank",
    (of.MODEL_ASKED,),
    SpanKind.INTERNAL,
    "passages of a query that are scored, their wait included",
    (of.MODEL_PROVIDER, of.MODEL_ASKED, of.COUNT),
    (of.ERROR_TYPE,),
)
BATCH = Span(
    "batch",
    (),
    SpanKind.INTERNAL,
    "texts or pairs in the encoder at once; linked to the calls that they are of",
    (of.COUNT, of.MODEL_TOKENS_READ),
    (of.ERROR_TYPE,),
)
SHARED = Span(
    "shared",
    (),
    SpanKind.INTERNAL,
    "what one does for several callers at once, such as a write of their rows; linked to the others",
    (of.COUNT,),
    (of.ERROR_TYPE,),
)
CHECK = Span(
    "check",
    (of.GUARD_STAGE,),
    SpanKind.INTERNAL,
    "what the guard makes of a question, of passages or of an answer",
    (of.GUARD_STAGE, of.GUARD_VERDICT, of.COUNT),
    (of.ERROR_TYPE,),
)
STAGE = Span(
    "",
    (of.STEP,),
    SpanKind.INTERNAL,
    "a stage of a search or of an answer",
    (of.STEP,),
    (of.ERROR_TYPE,),
)

SPANS = (
    PROCESS, SEND, SEND_BATCH, RPC_SERVED, RPC_CALLED, STORE_CALLED, CHAT, EMBEDDINGS, RERANKING, BATCH, SHARED, CHECK,
    STAGE,
)  # fmt: skip
