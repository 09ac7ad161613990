"""An answer's lineage for machines."""

from collections.abc import Sequence
from typing import Any

from headwater_cli.lineage.facts import Learned, Lineage, Place, Reacted, Source
from headwater_cli.lineage.spans import StoredSpan


def lineage_values(lineage: Lineage, spans: Sequence[StoredSpan]) -> dict[str, Any]:
    """All of it; times in seconds since the epoch, spans by time, in no tree: each names its parent."""
    answer = lineage.answer
    return {
        "answer_id": answer.answer_id,
        "question": answer.question,
        "generator": answer.generator,
        "refusal": answer.refusal,
        "answered": _place(lineage.place),
        "shown": _place(lineage.shown),
        "policy": lineage.serving.policy,
        "documents": [_source(each) for each in lineage.sources],
        "learned": [_learned(each) for each in lineage.learned],
        "taught": [_reacted(each) for each in lineage.taught],
        "reactions": [_reacted(each) for each in lineage.reactions],
        "spans": [_span(each) for each in sorted(spans, key=lambda each: each.start_ns)],
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "time": place.time,
        "trace_id": place.trace_id,
        "linked_trace_ids": list(place.traces[1:]),
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "document_id": source.document_id,
        "version": source.version,
        "newest_version": source.newest,
        "title": source.title,
        "citations": list(source.numbers),
        "written": _place(source.written),
        "indexed": _place(source.indexed),
    }


def _learned(learned: Learned) -> dict[str, Any]:
    model = learned.model
    return {
        "component": model.learned.component,
        "part": model.learned.part,
        "snapshot_id": model.stamp.snapshot_id if model.stamp else "",
        "published": _place(learned.place),
        "votes": [
            {"citation": number or None, "document_id": votes.document_id, "up": votes.up, "down": votes.down}
            for number, votes in learned.votes
        ],
        "decided": [
            {"decision": decided.decision, "reason": decided.reason, "at": _place(place)}
            for decided, place in learned.decided
        ],
    }


def _reacted(reacted: Reacted) -> dict[str, Any]:
    said = reacted.feedback
    return {
        "feedback_id": said.feedback_id,
        "impression_id": said.impression_id,
        "reaction": said.reaction,
        "citations": list(reacted.numbers),
        "at": _place(reacted.place),
    }


def _span(span: StoredSpan) -> dict[str, Any]:
    return {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "service": span.service,
        "name": span.name,
        "start_time": span.start_ns / 1e9,
        "milliseconds": round(1000 * span.seconds, 3),
        "failed": span.is_failed,
        "attributes": dict(span.attributes),
        "links": [{"trace_id": trace, "span_id": linked} for trace, linked in span.links],
    }
