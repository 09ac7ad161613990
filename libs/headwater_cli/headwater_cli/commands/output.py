"""What all commands print alike."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer
from headwater_kit.core.documents import Passage
from headwater_kit.core.events import AnswerGenerated
from rich.text import Text


def echo_json(values: Mapping[str, Any]) -> None:
    """Prints one JSON object on standard output."""
    typer.echo(json.dumps(values, indent=2, default=str, ensure_ascii=False))


def source_of(passage: Passage) -> str:
    """Title and headings, or else the document's id."""
    parts = dict.fromkeys(part for part in (passage.info.title, *passage.chunk.heading_path) if part)
    return " › ".join(parts) or passage.document_id


def passage_values(passage: Passage) -> dict[str, Any]:
    """A passage for machines; `start` and `end` count characters in the document's parsed text."""
    return {
        "rank": passage.rank,
        "score": passage.score,
        "document_id": passage.document_id,
        "version": passage.version,
        "title": passage.info.title,
        "heading_path": list(passage.chunk.heading_path),
        "source_uri": passage.info.source_uri,
        "metadata": dict(passage.info.metadata),
        "text": passage.chunk.text,
        "start": passage.chunk.start,
        "end": passage.chunk.end,
        "parts": {
            "dense": passage.parts.dense,
            "lexical": passage.parts.lexical,
            "memory": passage.parts.memory,
        },
    }


def rating_prompt(name: str, impression_id: str, rank: int) -> Text:
    """The line that asks the reader about the passage of which a rating would teach most."""
    return Text(f"Does {name} help? headwater feedback {impression_id} --passage {rank} --rating 1..5", style="yellow")


def answer_values(answer: AnswerGenerated) -> dict[str, Any]:
    """An answer for machines."""
    return {
        "answer_id": answer.answer_id,
        "question": answer.question,
        "text": answer.text,
        "refusal": answer.refusal,
        "generator": answer.generator,
        "trace_id": answer.trace_id,
        "citations": [
            {
                "number": citation.number,
                "quote": citation.quote,
                "quote_start": citation.start,
                "quote_end": citation.end,
                **passage_values(citation.passage),
            }
            for citation in answer.citations
        ],
        "findings": [{"policy": finding.policy, "kind": finding.kind} for finding in answer.findings],
        "rewriting": asdict(answer.rewriting) if answer.rewriting else None,
        "rating_wanted": answer.rating_wanted,
    }
