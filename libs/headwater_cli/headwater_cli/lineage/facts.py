"""What an answer was made from, as the topics tell it."""

from collections.abc import Sequence
from dataclasses import dataclass

from headwater_kit.core.events import AnswerGenerated
from headwater_kit.core.impressions import FeedbackRecorded
from headwater_kit.core.learning import GateDecided, ModelPublished, PassageVotes, Serving


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands, and the traces it is of: its own first, then those it is linked to; none if untraced."""

    topic: str
    partition: int
    offset: int
    time: float
    traces: tuple[str, ...] = ()

    @property
    def trace_id(self) -> str:
        """Its own trace, 32 hex digits; empty without one."""
        return self.traces[0] if self.traces else ""

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was cited, in the version that was.

    `written` is its event on `documents.v1` and `indexed` what became of it; None where the log no longer tells:
    `indexed.v1` forgets versions that were replaced. `newest` is the version that it tells of last.
    """

    document_id: str
    version: int
    numbers: tuple[int, ...]
    title: str = ""
    written: Place | None = None
    indexed: Place | None = None
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction, where it stands, and which of the passages it was to; 0 means the answer as a whole."""

    feedback: FeedbackRecorded
    place: Place
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """A model that had a part in the order; of a memory, the votes on what was shown.

    The newest record under its name: a memory may have learned more since.
    """

    model: ModelPublished
    place: Place
    votes: tuple[tuple[int, PassageVotes], ...] = ()
    decided: tuple[tuple[GateDecided, Place], ...] = ()


@dataclass(frozen=True, slots=True)
class Lineage:
    """All of it. `taught`: reactions from before the answer to passages that it was shown, the latest last."""

    answer: AnswerGenerated
    place: Place
    shown: Place | None = None
    serving: Serving = Serving()  # noqa: RUF009 - frozen
    sources: Sequence[Source] = ()
    learned: Sequence[Learned] = ()
    taught: Sequence[Reacted] = ()
    reactions: Sequence[Reacted] = ()

    @property
    def traces(self) -> list[str]:
        """Every trace in it, each once."""
        places: list[Place | None] = [self.place, self.shown]
        places += [place for source in self.sources for place in (source.written, source.indexed)]
        places += [learned.place for learned in self.learned]
        places += [reacted.place for reacted in (*self.taught, *self.reactions)]
        return list(dict.fromkeys(trace for place in places if place for trace in place.traces))
