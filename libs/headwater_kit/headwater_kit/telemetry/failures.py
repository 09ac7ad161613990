"""Errors as log lines tell them: those that may quote what somebody wrote by their kind alone.

The words are for the caller, and for the dead letter beside its record.
"""

import traceback
from collections.abc import Iterator

from headwater_kit.core.errors import HeadwaterError, InvalidInput, NotFound


def said(error: BaseException) -> str:
    """What may be said of an error: of one of ours its message, of what is about somebody's input the code and field.

    Of another error its type alone.
    """
    if isinstance(error, InvalidInput) and error.field:
        return f"{error.reason} in {error.field}"
    if isinstance(error, InvalidInput | NotFound):
        return error.reason
    return error.message if isinstance(error, HeadwaterError) else type(error).__qualname__


def traced(error: BaseException) -> str:
    """Where it was raised, with what led to it first, and at the end of each what may be said of it."""
    return "\nwhich led to\n".join(_told(each) for each in reversed(list(_chain(error))))


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _told(error: BaseException) -> str:
    name = type(error).__qualname__
    words = f"{name}: {said(error)}" if isinstance(error, HeadwaterError) else name
    inner = [traced(each) for each in error.exceptions] if isinstance(error, BaseExceptionGroup) else []
    return "\n".join(["".join(traceback.format_tb(error.__traceback__)) + words, *inner])
