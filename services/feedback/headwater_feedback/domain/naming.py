"""Who is who without saying it: what is learned from carries pseudonyms, and reactions carry users."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from headwater_kit.core.documents import ANONYMOUS
from headwater_kit.core.impressions import FeedbackRecorded, ImpressionItem, ImpressionRecorded

# The pseudonym of a tenant's user at a time, in seconds since the epoch; empty where no key for that is set, and of who
# is anonymous.
Namer = Callable[[str, str, float], str]


def no_name(_tenant: str, _user: str, _time: float) -> str:
    """A `Namer` without a key: users go by their own names."""
    return ""


def was_shown_to(impression: ImpressionRecorded, feedback: FeedbackRecorded, name: Namer) -> bool:
    """Whether who reacts was shown the list; what somebody anonymous was shown, anybody of the tenant may have been."""
    if not impression.pseudonym:
        return impression.user in (feedback.user, ANONYMOUS)
    return impression.pseudonym == name(impression.tenant, feedback.user, impression.show_time)


def without_vectors(items: Sequence[ImpressionItem]) -> tuple[ImpressionItem, ...]:
    """The items as a single reaction is kept with: the closed list has their vectors."""
    return tuple(replace(item, vector=b"") if item.vector else item for item in items)


def without_user(impression: ImpressionRecorded) -> ImpressionRecorded:
    """The list as it may be kept: without its user, where a pseudonym stands for it."""
    return replace(impression, user="") if impression.pseudonym else impression


def renamed(feedback: FeedbackRecorded, impression: ImpressionRecorded, name: Namer) -> FeedbackRecorded:
    """The reaction with the pseudonym that its user has in the impression's period in place of the user."""
    pseudonym = name(impression.tenant, feedback.user, impression.show_time)
    return replace(feedback, user=pseudonym) if pseudonym else feedback
