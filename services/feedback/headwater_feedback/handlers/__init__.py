"""What feedback does."""

from headwater_feedback.handlers.forgetting import Forgetting
from headwater_feedback.handlers.joining import JOIN_SECONDS, MAX_STATES, Joining
from headwater_feedback.handlers.recording import MAX_RANK, Reacted, Recording, new_id
from headwater_feedback.handlers.remembering import Remembering

__all__ = [
    "JOIN_SECONDS",
    "MAX_RANK",
    "MAX_STATES",
    "Forgetting",
    "Joining",
    "Reacted",
    "Recording",
    "Remembering",
    "new_id",
]
