"""Which process does what one of all should do."""

from dataclasses import dataclass


@dataclass(slots=True)
class Lead:
    """Held by one process at a time, or for a moment by none or, where one stood still, by two.

    So what is done under it may be done twice.
    """

    is_held: bool = False
