"""Any endpoint that speaks the OpenAI chat API: vLLM, Ollama, llama.cpp, hosted ones."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import cast

import openai
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import Unavailable
from headwater_kit.rpc import context
from openai.types.chat import ChatCompletionMessageParam

from headwater_generate.adapters.chats import TEMPERATURE, chat
from headwater_generate.adapters.spending import Spending
from headwater_generate.domain import citations, prompts
from headwater_generate.ports import Draft

MAX_ANSWER_TOKENS = 512
# Four questions, or a passage of 80 words, and what a model may think before.
MAX_REPLY_TOKENS = 512
# What the extractive generator needs to stand in before the caller's time is up, where there is so much.
STAND_IN_SECONDS = 3.0
MAX_STAND_IN_SHARE = 1 / 3
# What an endpoint calls an error, such as model_not_found.
_CODE = re.compile(r"[a-z]+(_[a-z]+){0,5}")


class OpenAIModel:
    """`ports.LanguageModel` by chat completions."""

    def __init__(self, client: openai.AsyncOpenAI, model: str, spending: Spending | None = None) -> None:
        self._client = client
        self._model = model
        self._spending = spending or Spending(model)

    @property
    def name(self) -> str:
        return self._model

    async def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """See `ports.LanguageModel`. Any failure of the endpoint is Unavailable."""
        try:
            async with aclosing(_written(self._client, self._spending, messages, MAX_REPLY_TOKENS)) as pieces:
                return "".join([piece async for piece in pieces])
        except openai.OpenAIError as error:
            raise Unavailable(f"the language model at {self._client.base_url} failed: {_said(error)}") from error


class OpenAIGenerator:
    """Streams a chat completion and resolves the citation marks in it."""

    def __init__(self, client: openai.AsyncOpenAI, model: str, spending: Spending | None = None) -> None:
        self._client = client
        self._model = model
        self._spending = spending or Spending(model)

    @property
    def name(self) -> str:
        return self._model

    async def stream(self, question: str, passages: Sequence[Passage]) -> AsyncGenerator[str | Draft, None]:
        """See `ports.Generator`. Any failure of the endpoint is Unavailable: another generator stands in.

        So is an answer that is not whole while there is still time for that.
        """
        if not passages:
            yield Draft(prompts.NO_SOURCE, ())
            return
        text, end = "", _end()
        async with aclosing(self._pieces(question, passages)) as pieces:
            while (piece := await self._next(pieces, end)) is not None:
                text += piece
                yield piece
        yield Draft(*citations.resolve(text, passages))

    async def _next(self, pieces: AsyncGenerator[str, None], end: float | None) -> str | None:
        """The next piece; None at the end of the answer."""
        try:
            async with asyncio.timeout_at(end):
                return await anext(pieces, None)
        except TimeoutError as error:
            raise Unavailable(f"the language model at {self._client.base_url} takes too long") from error
        except openai.OpenAIError as error:
            raise Unavailable(f"the language model at {self._client.base_url} failed: {_said(error)}") from error

    async def _pieces(self, question: str, passages: Sequence[Passage]) -> AsyncGenerator[str, None]:
        messages = prompts.messages(question, passages)
        async with aclosing(_written(self._client, self._spending, messages, MAX_ANSWER_TOKENS)) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """Closes the connection pool."""
        await self._client.close()


async def _written(
    client: openai.AsyncOpenAI, spending: Spending, messages: Sequence[Mapping[str, str]], max_tokens: int
) -> AsyncGenerator[str, None]:
    """A completion, as it is written; what it took is told at its end, by endpoints that count."""
    with chat(client, spending.model, max_tokens) as told:
        completion = await client.chat.completions.create(
            model=spending.model,
            messages=cast(list[ChatCompletionMessageParam], messages),
            max_tokens=max_tokens,
            temperature=TEMPERATURE,
            stream=True,
            stream_options={"include_usage": True},
        )
        async with completion:
            async for chunk in completion:
                told.note(chunk)
                if chunk.usage is not None:
                    spending.note(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content


def _said(error: openai.OpenAIError) -> str:
    """What kind of failure it was. An endpoint's own words may repeat what it was asked, or the key."""
    kind = type(error).__name__
    if not isinstance(error, openai.APIStatusError):
        return kind
    code = f", {error.code}" if error.code and _CODE.fullmatch(str(error.code)) else ""
    return f"{kind}, HTTP {error.status_code}{code}"


def _end() -> float | None:
    """When the answer must be whole, on the event loop's clock."""
    call = context.current()
    if call is None:
        return None
    remaining = call.deadline.remaining()
    return asyncio.get_running_loop().time() + remaining - min(STAND_IN_SECONDS, remaining * MAX_STAND_IN_SHARE)
