"""Searching, asking, and saying what one thinks of the result, by gRPC."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace

from headwater.feedback.v1 import feedback_pb2
from headwater.feedback.v1.feedback_pb2_grpc import FeedbackServiceStub
from headwater.generate.v1 import generate_pb2
from headwater.generate.v1.generate_pb2_grpc import GenerateServiceStub
from headwater.retrieve.v1 import retrieve_pb2
from headwater.retrieve.v1.retrieve_pb2_grpc import RetrieveServiceStub
from headwater_kit.codec.answers import answer_from_proto
from headwater_kit.codec.documents import freshness_to_proto, watermark_from_proto
from headwater_kit.codec.enums import REACTIONS, STANDINGS
from headwater_kit.codec.filters import filter_to_proto
from headwater_kit.codec.rewriting import rewrite_to_proto, turns_to_proto
from headwater_kit.core.cascade import Cascade
from headwater_kit.core.documents import Freshness, Passage, Position
from headwater_kit.core.errors import HeadwaterError
from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.filters import Filter
from headwater_kit.core.impressions import Reaction, Standing
from headwater_kit.core.rewriting import QueryFusion, Rewrite, Turn, Variant
from headwater_kit.core.shape import Shape

from headwater_client.connection import Connection
from headwater_client.filter_text import parse_filter
from headwater_client.searching import Found, Searching, SearchRequest

# A language model may write for a while; what takes longer than this is not coming.
ANSWER_SECONDS = 60.0
PLAIN = Shape()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far searches see: applied positions, and how far they are behind the log, in records and in time."""

    watermark: tuple[Position, ...]
    lag: int
    staleness_ms: int


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction that was recorded; one to what is NOT_KNOWN_YET has no effect if it stays so."""

    feedback_id: str
    standing: Standing


class Questions:
    """The retrieve, generate and feedback services. Every call raises HeadwaterErrors."""

    def __init__(self, connection: Connection, retrieve: str, generate: str, feedback: str) -> None:
        self._connection = connection
        self._retrieve = RetrieveServiceStub(connection.channel(retrieve))
        self._searching = Searching(connection, retrieve)
        self._generate = GenerateServiceStub(connection.channel(generate))
        self._feedback = FeedbackServiceStub(connection.channel(feedback))

    async def search(
        self,
        query: str,
        *,
        top_k: int = 0,
        filter: Filter | str | None = None,
        min_positions: Sequence[Position] = (),
        max_staleness_ms: int | None = None,
        wait_ms: int = 0,
        variants: Sequence[Variant] = (),
        fusion: QueryFusion = QueryFusion.SCORE,
        expand: bool = False,
        shape: Shape = PLAIN,
        cascade: Cascade | None = None,
        explain: bool = False,
        exploit_only: bool = False,
    ) -> Found:
        """The passages that answer best; `top_k` 0 means 10.

        `filter` is a tree or its text (`parse_filter`); `shape` says how the list
        is to look. The `variants` are searched beside the query, and with `expand`
        its key phrases and the titles of what it finds first; `fusion` makes one
        list. `cascade` says how far to go for a better order, None leaves it to the
        service; `explain` has the list tell how it came about. With `exploit_only`
        the order is the best one known, with nothing left to chance and nothing
        compared, as who measures wants it.

        With `min_positions`, waits up to `wait_ms` for them to be searchable; with
        `max_staleness_ms`, for all live events that were produced longer ago than
        that, 0 meaning all there are. Raises NotYet if they are not, with the lag.
        """
        freshness = Freshness(tuple(min_positions), wait_ms, max_staleness_ms)
        request = SearchRequest(query, top_k, filter, freshness, shape, tuple(variants), fusion, expand)
        request = replace(request, cascade=cascade, explain=explain, exploit_only=exploit_only)
        return await self._searching.search(request)

    def stream_search(self, request: SearchRequest) -> AsyncGenerator[Passage | Found, None]:
        """Yields the passages by rank, and at the end what else was found, without them."""
        return self._searching.stream(request)

    async def batch_search(self, requests: Sequence[SearchRequest]) -> list[Found | HeadwaterError]:
        """What each of 1 to 32 searches found, or why nothing was, in the order of the requests."""
        return await self._searching.batch(requests)

    async def watermark(self) -> tuple[Position, ...]:
        """How far searches see: the highest applied position of each partition."""
        return (await self.progress()).watermark

    async def progress(self) -> Progress:
        """How far searches see, and how far that is behind the log. Raises Unavailable while the broker is away."""
        response = await self._retrieve.GetWatermark(
            retrieve_pb2.GetWatermarkRequest(), timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return Progress(watermark_from_proto(response.watermark), response.lag, response.staleness_ms)

    async def ask(
        self,
        question: str,
        *,
        top_k: int = 0,
        filter: Filter | str | None = None,
        min_positions: Sequence[Position] = (),
        max_staleness_ms: int | None = None,
        wait_ms: int = 0,
        rewrite: Rewrite | None = None,
        history: Sequence[Turn] = (),
        seconds: float = ANSWER_SECONDS,
    ) -> AsyncGenerator[str | AnswerGenerated, None]:
        """Yields the answer's text as it is written and the whole answer, which counts, at the end.

        `rewrite` says in what other words to search too, None leaves it to the
        service; a question that leans on its `history`, the turns before it,
        oldest first, is made to stand alone. The answer says what came of both.
        As fresh as asked, as `search`. Raises DeadlineExceeded where it is not
        whole after `seconds`.
        """
        request = generate_pb2.AnswerRequest(
            question=question,
            top_k=top_k,
            filter=filter_to_proto(parse_filter(filter) if isinstance(filter, str) else filter) if filter else None,
            freshness=freshness_to_proto(Freshness(tuple(min_positions), wait_ms, max_staleness_ms)),
            rewrite=rewrite_to_proto(rewrite),
            history=turns_to_proto(history),
        )
        call = self._generate.Answer(request, timeout=seconds, metadata=self._connection.metadata)
        try:
            async for response in call:
                if response.WhichOneof("piece") == "answer":
                    yield answer_from_proto(response.answer)
                else:
                    yield response.text
        finally:
            call.cancel()  # where the caller left early; gRPC goes on by itself

    async def receipt(self, answer_id: str) -> AnswerGenerated:
        """How an answer came about. Raises NotFound."""
        response = await self._generate.GetReceipt(
            generate_pb2.GetReceiptRequest(answer_id=answer_id),
            timeout=self._connection.seconds,
            metadata=self._connection.metadata,
        )
        return answer_from_proto(response.answer)

    async def react(
        self,
        impression_id: str,
        reaction: Reaction,
        *,
        rank: int = 0,
        value: float = 0.0,
        text: str = "",
        feedback_id: str = "",
    ) -> Reacted:
        """Records a reaction to an answer or a search. `rank` 0 means the answer as a whole.

        `value`: seconds of DWELL, 1 to 5 of RATING, 0 to 3 of EXPERT_LABEL,
        which needs an operator. `text` of CORRECTION. Raises InvalidInput
        naming the field, Overloaded where it is a flood.
        """
        request = feedback_pb2.RecordFeedbackRequest(
            impression_id=impression_id,
            reaction=REACTIONS.to_proto(reaction),
            rank=rank,
            feedback_id=feedback_id,
            value=value,
            text=text,
        )
        response = await self._feedback.RecordFeedback(
            request, timeout=self._connection.seconds, metadata=self._connection.metadata
        )
        return Reacted(response.feedback_id, STANDINGS.from_proto(response.standing, "standing"))
