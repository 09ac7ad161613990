"""What feedback does."""

from headwater_feedback.handlers.forgetting import Forgetting
from headwater_feedback.handlers.joining import Joining, JoinPolicy
from headwater_feedback.handlers.recording import Reacted, Recorded, Recording, new_id
from headwater_feedback.handlers.remembering import Remembering

__all__ = [
    "Forgetting",
    "JoinPolicy",
    "Joining",
    "Reacted",
    "Recorded",
    "Recording",
    "Remembering",
    "new_id",
]
