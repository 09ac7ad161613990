"""What guard can be told."""

from typing import ClassVar

from headwater_kit.settings import ServiceSettings
from pydantic import Field

from headwater_guard.domain.findings import Action

_ACTIONS = "off, redact (go on without it) or block"


class Settings(ServiceSettings):
    """Settings of the guard service."""

    service: ClassVar[str] = "guard"

    guard_max_question_characters: int = Field(default=8_192, ge=1, description="longest question, in characters")
    guard_length: Action = Field(default=Action.BLOCK, description=f"longer questions: {_ACTIONS}")
    guard_control: Action = Field(
        default=Action.REDACT, description=f"characters in questions that a reader does not see: {_ACTIONS}"
    )
    guard_injection: Action = Field(
        default=Action.BLOCK, description=f"known injection patterns in questions: {_ACTIONS}"
    )
    guard_question_pii: Action = Field(
        default=Action.REDACT, description=f"structured personal data in questions: {_ACTIONS}"
    )
    guard_quarantine: bool = Field(
        default=True, description="whether passages that give orders are kept away from the language model"
    )
    guard_answer_pii: Action = Field(
        default=Action.REDACT, description=f"personal data in answers that no passage holds: {_ACTIONS}"
    )
    guard_leak: Action = Field(default=Action.BLOCK, description=f"system prompt markers in answers: {_ACTIONS}")
    guard_citation: Action = Field(
        default=Action.REDACT, description=f"citation numbers that no passage has: {_ACTIONS}"
    )
    guard_link: Action = Field(
        default=Action.REDACT, description=f"links and images in answers that are not in the passages: {_ACTIONS}"
    )
    guard_markers: tuple[str, ...] = Field(
        default=(),
        description="texts of the system prompt that no answer may hold, as a JSON list; added to the built-in ones",
    )
