"""What feedback does."""

from headwater_feedback.handlers.conditions import Conditions
from headwater_feedback.handlers.forgetting import Forgetting, Forgotten, UserForgetting
from headwater_feedback.handlers.gating import Gates
from headwater_feedback.handlers.golding import GoldQuestions
from headwater_feedback.handlers.joining import Joining, JoinPolicy
from headwater_feedback.handlers.learning import Learning, LearningPolicy
from headwater_feedback.handlers.models import Difference, Explained, Known, LearnedModels
from headwater_feedback.handlers.publishing import Publishing
from headwater_feedback.handlers.recording import Reacted, Recorded, Recording, new_id
from headwater_feedback.handlers.reviewing import Reviews

__all__ = [
    "Conditions",
    "Difference",
    "Explained",
    "Forgetting",
    "Forgotten",
    "Gates",
    "GoldQuestions",
    "JoinPolicy",
    "Joining",
    "Known",
    "LearnedModels",
    "Learning",
    "LearningPolicy",
    "Publishing",
    "Reacted",
    "Recorded",
    "Recording",
    "Reviews",
    "UserForgetting",
    "new_id",
]
