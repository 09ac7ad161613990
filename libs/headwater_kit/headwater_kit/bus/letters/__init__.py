"""Dead letters read, sent on their way again, or closed."""

from headwater_kit.bus.letters.closing import discard
from headwater_kit.bus.letters.letter import Letter, Place, letter_of
from headwater_kit.bus.letters.reading import Criteria, Found, closed_places, latest, letters, read_letter
from headwater_kit.bus.letters.redrive import Redrive, Report, plan

__all__ = [
    "Criteria",
    "Found",
    "Letter",
    "Place",
    "Redrive",
    "Report",
    "closed_places",
    "discard",
    "latest",
    "letter_of",
    "letters",
    "plan",
    "read_letter",
]
