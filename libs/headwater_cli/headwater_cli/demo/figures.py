"""What the demo measures, and what it demands."""

from dataclasses import asdict, dataclass, field
from typing import Any

from headwater_kit.core.errors import HeadwaterError

MIN_CHUNKS = 800


class DemoFailed(HeadwaterError):
    """A step did not do what it says."""

    reason = "DEMO_FAILED"


@dataclass(slots=True)
class Figures:
    """Every figure of one run. Times as named; ranks from 1; `deleted_visible` must be false."""

    documents: int = 0
    chunks: int = 0
    start_seconds: float = 0.0
    ingest_seconds: float = 0.0
    ask_ms: list[float] = field(default_factory=list)
    produce_to_searchable_ms: list[float] = field(default_factory=list)
    delete_to_gone_ms: float = 0.0
    deleted_visible: bool = True
    rank_before: int = 0
    rank_after: int = 0
    paraphrase_rank_before: int = 0
    paraphrase_rank_after: int = 0
    feedback_to_rank_ms: float = 0.0
    total_seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)


def demand(condition: bool, complaint: str) -> None:
    """Raises DemoFailed with the complaint unless the condition holds."""
    if not condition:
        raise DemoFailed(f"the demo failed: {complaint}; see `headwater logs`")
