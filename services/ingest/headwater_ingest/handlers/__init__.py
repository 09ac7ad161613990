"""What ingest does, behind its entrances."""

from headwater_ingest.handlers.applying import Applied, ApplyDocuments
from headwater_ingest.handlers.letting_in import BulkEvent, LetIn
from headwater_ingest.handlers.reading import ReadDocuments
from headwater_ingest.handlers.turns import FairTurns
from headwater_ingest.handlers.writing import WriteDocuments

__all__ = ["Applied", "ApplyDocuments", "BulkEvent", "FairTurns", "LetIn", "ReadDocuments", "WriteDocuments"]
