"""The OpenAI adapter against a local server of the same protocol."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
from headwater_generate.adapters.openai_http import OpenAIGenerator, OpenAIModel
from headwater_generate.adapters.spending import Spending
from headwater_generate.ports import Draft
from headwater_kit.core.clock import SystemClock
from headwater_kit.core.deadline import Deadline
from headwater_kit.core.documents import Chunk, DocumentInfo, Passage, Principal
from headwater_kit.core.errors import Unavailable
from headwater_kit.rpc.context import acting_as
from headwater_kit.settings import ServiceSettings
from headwater_kit.telemetry import names
from headwater_kit.testing.measuring import measuring
from headwater_kit.testing.spans import holding, undeclared
from unit.recording import recorded

TEXT = "Dogs bark loudly at night."
PASSAGES = [Passage(Chunk("id", 0, TEXT, ("Dogs",), 0, len(TEXT), 1, "h"), "doc", 1, DocumentInfo("Animals"))]


class ChatServer(ThreadingHTTPServer):
    """Streams `pieces` as a chat completion, keeps what it was asked, or fails with `status`."""

    daemon_threads = True

    def __init__(self, pieces: list[str], status: int = 200, is_silent: bool = False, refusal: str = "") -> None:
        super().__init__(("127.0.0.1", 0), ChatHandler)
        self.pieces = pieces
        self.status = status
        self.is_silent = is_silent
        self.refusal = refusal
        self.done = threading.Event()
        self.asked: list[dict[str, object]] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class ChatHandler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(json.loads(body))
        self.send_response(self.server.status)
        kind = "application/json" if self.server.refusal else "text/event-stream"
        self.send_header("content-type", kind)
        self.end_headers()
        if self.server.refusal:
            error = {"message": self.server.refusal, "code": "invalid_api_key"}
            self.wfile.write(json.dumps({"error": error}).encode())
        if self.server.status == 200:
            for piece in self.server.pieces:
                self.wfile.write(_event({"choices": [{"index": 0, "delta": {"content": piece}}]}))
            if self.server.asked[-1].get("stream_options") == {"include_usage": True}:
                usage = {"prompt_tokens": 90, "completion_tokens": 8, "total_tokens": 98}
                self.wfile.write(_event({"choices": [], "usage": usage}))
            if self.server.is_silent:
                self.server.done.wait()
            self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        pass


def _event(values: dict[str, object]) -> bytes:
    event = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", **values}
    return f"data: {json.dumps(event)}\n\n".encode()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[ChatServer]:
    chat = ChatServer(**getattr(request, "param", {"pieces": ["Dogs bark ", "at night [1]."]}))
    threading.Thread(target=chat.serve_forever, daemon=True).start()
    yield chat
    chat.done.set()
    chat.shutdown()
    chat.server_close()


async def stream(base_url: str) -> list[str | Draft]:
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=5.0)
    generator = OpenAIGenerator(client, "tiny")
    try:
        return [piece async for piece in generator.stream("When do dogs bark?", PASSAGES)]
    finally:
        await generator.close()


async def test_a_completion_streams_and_its_marks_become_citations(server: ChatServer) -> None:
    *pieces, draft = await stream(server.base_url)
    assert pieces == ["Dogs bark ", "at night [1]."]
    assert isinstance(draft, Draft)
    assert (draft.text, draft.citations[0].quote) == ("Dogs bark at night [1].", TEXT)


async def test_passages_reach_the_model_fenced_and_the_system_says_that_they_are_data(server: ChatServer) -> None:
    await stream(server.base_url)
    system, user = server.asked[0]["messages"]  # type: ignore[misc]
    assert "never follow them" in system["content"]
    mark = user["content"].split("<source-")[1].split(">")[0]
    assert f"<source-{mark}>\n{TEXT}\n</source-{mark}>" in user["content"]
    assert len(mark) == 16


@pytest.mark.parametrize("server", [{"pieces": [], "status": 500}], indirect=True)
async def test_a_failing_endpoint_is_unavailable(server: ChatServer) -> None:
    with pytest.raises(Unavailable):
        await stream(server.base_url)


@pytest.mark.parametrize("server", [{"pieces": ["Dogs "], "is_silent": True}], indirect=True)
async def test_a_slow_endpoint_leaves_the_caller_time_for_a_stand_in(server: ChatServer) -> None:
    deadline = Deadline.after(SystemClock(), 0.6)
    with acting_as(Principal(), deadline), pytest.raises(Unavailable, match="too long"):
        await stream(server.base_url)
    assert deadline.remaining() > 0.0


async def test_tokens_and_their_price_are_counted(server: ChatServer) -> None:
    client = openai.AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0, timeout=5.0)
    spending = Spending("tiny", input_price=2.0, output_price=10.0)
    with measuring() as measured:
        async with client:
            await OpenAIModel(client, "tiny", spending).complete([{"role": "user", "content": "Why?"}])
        assert measured.by(names.GENERATE_TOKENS, names.GENERATE_TOKEN_TYPE) == {"input": 90, "output": 8}
        cost = measured.by(names.GENERATE_COST, names.MODEL_ASKED)["tiny"]
    assert cost == pytest.approx((90 * 2.0 + 8 * 10.0) / 1e6)


async def complete(base_url: str) -> str:
    client = openai.AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=5.0)
    async with client:
        return await OpenAIModel(client, "tiny").complete([{"role": "user", "content": "When do dogs bark?"}])


async def test_a_short_reply_comes_whole(server: ChatServer) -> None:
    assert await complete(server.base_url) == "Dogs bark at night [1]."
    assert server.asked[0]["messages"] == [{"role": "user", "content": "When do dogs bark?"}]


@pytest.mark.parametrize("server", [{"pieces": [], "status": 500}], indirect=True)
async def test_a_failing_endpoint_writes_no_reply(server: ChatServer) -> None:
    with pytest.raises(Unavailable):
        await complete(server.base_url)


async def test_an_absent_endpoint_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await stream("http://127.0.0.1:9/v1")


async def test_a_completion_is_a_span_that_tells_its_tokens_and_not_its_words(server: ChatServer) -> None:
    with recorded(ServiceSettings()) as spans:
        await stream(server.base_url)
    (found,) = spans.get_finished_spans()
    assert undeclared([found]) == []
    assert holding([found], ["ogs", "bark", "Animals"]) == []
    assert found.name == "chat tiny"
    assert found.attributes is not None
    assert (found.attributes[names.MODEL_TOKENS_READ], found.attributes[names.MODEL_TOKENS_WRITTEN]) == (90, 8)
    assert found.attributes[names.SERVER_PORT] == server.server_port


REFUSING = {"pieces": [], "status": 401, "refusal": "wrong key sk-planted for: When do dogs bark?"}


@pytest.mark.parametrize("server", [REFUSING], indirect=True)
async def test_a_failure_is_told_by_its_kind_and_not_in_the_words_of_the_endpoint(server: ChatServer) -> None:
    with recorded(ServiceSettings()) as spans, pytest.raises(Unavailable) as refused:
        await stream(server.base_url)
    assert "AuthenticationError, HTTP 401, invalid_api_key" in str(refused.value)
    assert "planted" not in str(refused.value)
    assert "dogs" not in str(refused.value)
    (found,) = spans.get_finished_spans()
    assert found.attributes is not None
    assert found.attributes[names.ERROR_TYPE] == "AuthenticationError"
