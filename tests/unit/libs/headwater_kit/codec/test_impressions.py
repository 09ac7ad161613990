"""What of a shown list comes back from its record."""

from headwater_kit.codec.learning import impression_from_proto, impression_to_proto
from headwater_kit.core.bytevectors import to_bytes
from headwater_kit.core.documents import ScoreParts
from headwater_kit.core.impressions import ImpressionItem, ImpressionRecorded


def test_a_passages_vector_comes_back_and_none_stays_none() -> None:
    vector = to_bytes(b"\x00\x00\x80\x3f\x00\x00\x80\xbf")
    bare = ImpressionItem("c", "d", 1, "h", 1, 1.0, ScoreParts())
    kept = ImpressionItem("e", "d", 1, "i", 2, 1.0, ScoreParts(), vector=vector)
    shown = ImpressionRecorded("i", "acme", "ann", "q", b"", "m", (bare, kept), 1.0)
    assert impression_from_proto(impression_to_proto(shown)) == shown
