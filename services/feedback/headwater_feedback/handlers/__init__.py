"""What feedback does."""

from headwater_feedback.handlers.conditions import Conditions
from headwater_feedback.handlers.forgetting import Forgetting, Forgotten, UserForgetting
from headwater_feedback.handlers.joining import Joining, JoinPolicy
from headwater_feedback.handlers.learning import Learning, LearningPolicy
from headwater_feedback.handlers.publishing import Publishing
from headwater_feedback.handlers.recording import Reacted, Recorded, Recording, new_id

__all__ = [
    "Conditions",
    "Forgetting",
    "Forgotten",
    "JoinPolicy",
    "Joining",
    "Learning",
    "LearningPolicy",
    "Publishing",
    "Reacted",
    "Recorded",
    "Recording",
    "UserForgetting",
    "new_id",
]
