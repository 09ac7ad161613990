"""Any endpoint that speaks the OpenAI chat API: vLLM, Ollama, llama.cpp, hosted ones."""

from collections.abc import AsyncIterator, Sequence
from typing import cast

import openai
from headwater_kit.core.documents import Passage
from headwater_kit.core.errors import Unavailable
from openai.types.chat import ChatCompletionMessageParam

from headwater_generate.domain import citations, prompts
from headwater_generate.ports import Draft

MAX_ANSWER_TOKENS = 512


class OpenAIGenerator:
    """Streams a chat completion and resolves the citation marks in it."""

    def __init__(self, client: openai.AsyncOpenAI, model: str) -> None:
        self._client = client
        self._model = model

    @property
    def name(self) -> str:
        return self._model

    async def stream(self, question: str, passages: Sequence[Passage]) -> AsyncIterator[str | Draft]:
        """See `ports.Generator`. Any failure of the endpoint is Unavailable: another generator stands in."""
        if not passages:
            yield Draft(prompts.NO_SOURCE, ())
            return
        text = ""
        try:
            async for piece in self._pieces(question, passages):
                text += piece
                yield piece
        except openai.OpenAIError as error:
            raise Unavailable(f"the language model at {self._client.base_url} failed: {error}") from error
        yield Draft(*citations.resolve(text, passages))

    async def _pieces(self, question: str, passages: Sequence[Passage]) -> AsyncIterator[str]:
        messages = cast(list[ChatCompletionMessageParam], prompts.messages(question, passages))
        completion = await self._client.chat.completions.create(
            model=self._model, messages=messages, max_tokens=MAX_ANSWER_TOKENS, temperature=0.0, stream=True
        )
        async for chunk in completion:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    async def close(self) -> None:
        """Closes the connection pool."""
        await self._client.close()
