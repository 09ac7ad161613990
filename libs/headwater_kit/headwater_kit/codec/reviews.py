"""What a person should look at, to and from its message."""

from headwater.feedback.v1 import feedback_pb2 as pb

from headwater_kit.codec.enums import EnumTable
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.reviews import ReviewItem, ReviewKind

REVIEW_KINDS = EnumTable(
    {
        ReviewKind.CONTESTED: pb.REVIEW_KIND_CONTESTED,
        ReviewKind.CORRECTION: pb.REVIEW_KIND_CORRECTION,
        ReviewKind.UNANSWERED: pb.REVIEW_KIND_UNANSWERED,
        ReviewKind.QUARANTINED: pb.REVIEW_KIND_QUARANTINED,
        ReviewKind.UNCERTAIN: pb.REVIEW_KIND_UNCERTAIN,
    }
)


def review_to_proto(item: ReviewItem) -> pb.ReviewItem:
    """A thing to look at."""
    return pb.ReviewItem(
        kind=REVIEW_KINDS.to_proto(item.kind),
        impression_id=item.impression_id,
        query=item.query,
        rank=item.rank,
        document_id=item.document_id,
        users_for=item.users_for,
        users_against=item.users_against,
        text=item.text,
        reason=item.reason,
        detail=item.detail,
        count=item.count,
        time=time_to_proto(item.time),
    )


def review_from_proto(message: pb.ReviewItem) -> ReviewItem:
    """A thing to look at. Raises InvalidInput for a kind that is unknown to this build."""
    return ReviewItem(
        kind=REVIEW_KINDS.from_proto(message.kind, "kind"),
        impression_id=message.impression_id,
        time=time_from_proto(message.time),
        query=message.query,
        rank=message.rank,
        document_id=message.document_id,
        users_for=message.users_for,
        users_against=message.users_against,
        text=message.text,
        reason=message.reason,
        detail=message.detail,
        count=message.count,
    )
