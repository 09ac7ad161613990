"""Spans over calls of a language model: which, how long, how many tokens; never what was said.

Method: OpenTelemetry semantic conventions for generative AI.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import openai
from headwater_kit.telemetry import names
from headwater_kit.telemetry.spans import begun, ended, server_attributes
from openai.types.chat import ChatCompletionChunk
from opentelemetry.trace import Span

TEMPERATURE = 0.0


class Chat:
    """A completion under way."""

    def __init__(self, opened: Span) -> None:
        self._span = opened

    def note(self, chunk: ChatCompletionChunk) -> None:
        """Takes note of what a piece tells beside its text."""
        if chunk.usage is not None:
            self._span.set_attribute(names.MODEL_TOKENS_READ, chunk.usage.prompt_tokens)
            self._span.set_attribute(names.MODEL_TOKENS_WRITTEN, chunk.usage.completion_tokens)
        if reasons := [choice.finish_reason for choice in chunk.choices or () if choice.finish_reason]:
            self._span.set_attribute(names.MODEL_END_REASONS, reasons)
            self._span.set_attribute(names.MODEL_ANSWERED, chunk.model or "")


@contextmanager
def chat(client: openai.AsyncOpenAI, model: str, max_tokens: int) -> Iterator[Chat]:
    """A span over a streamed completion."""
    attributes = {
        names.MODEL_OPERATION: "chat",
        # The protocol, whoever speaks it.
        names.MODEL_PROVIDER: "openai",
        names.MODEL_ASKED: model,
        names.MODEL_MAX_TOKENS: max_tokens,
        names.MODEL_TEMPERATURE: TEMPERATURE,
        names.MODEL_STREAMS: True,
        **server_attributes(f"{client.base_url.host}:{_port(client)}"),
    }
    with ended(begun(names.CHAT, attributes)) as opened:
        yield Chat(opened)


def _port(client: openai.AsyncOpenAI) -> int:
    return client.base_url.port or (443 if client.base_url.scheme == "https" else 80)
