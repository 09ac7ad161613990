"""Every method of every service, declared once: what it is counted as, and what audit notes of it.

A method that stands nowhere here is refused by a test, not by a server.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from headwater_kit.core.quotas import Group

# A batch that no method takes is refused, and shall not cost more than the longest that one does.
MAX_COUNT = 256


@dataclass(frozen=True, slots=True)
class Method:
    """What there is to know of a method around its calls.

    `is_audited` where it reads or writes what is a tenant's. `subjects` names
    the fields of its messages, dotted, that hold the id of what it is about; the
    last one that is set counts. `tenant` names the field of its request that
    holds the tenant, where an operator may name another than the caller's.
    `count` tells of a request as how many calls it counts against a quota; with
    `is_spread` it also takes the places of so many, since they are served beside
    each other.
    """

    group: Group
    is_audited: bool = True
    subjects: tuple[str, ...] = ()
    tenant: str = ""
    count: Callable[[Any], int] = lambda _: 1
    is_spread: bool = False

    def calls(self, request: Any) -> int:
        """As how many calls this one counts: 1 to `MAX_COUNT`; of a request that cannot be read, or is streamed, 1."""
        return 1 if request is None else min(max(self.count(request), 1), MAX_COUNT)


def _wordings(search: Any) -> int:
    return 1 + len(search.variants)


def _search(*subjects: str, count: Callable[[Any], int] = _wordings) -> Method:
    """Each wording of each search is searched for as one of its own."""
    return Method(Group.SEARCH, subjects=subjects, count=count, is_spread=True)


_DOCUMENT = ("document_id",)
_OPERATE = Method(Group.OPERATE)
_CHECK = Method(Group.CHECK, is_audited=False)
_UNSEEN = Method(Group.READ, is_audited=False)

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "headwater.ingest.v1.IngestService/UpsertDocument": Method(Group.WRITE, subjects=_DOCUMENT),
        "headwater.ingest.v1.IngestService/DeleteDocument": Method(Group.WRITE, subjects=_DOCUMENT),
        "headwater.ingest.v1.IngestService/UploadDocument": Method(Group.WRITE, subjects=("header.document_id",)),
        "headwater.ingest.v1.IngestService/GetDocument": Method(Group.READ, subjects=_DOCUMENT),
        "headwater.ingest.v1.IngestService/WatchDocument": Method(Group.READ, subjects=_DOCUMENT),
        "headwater.retrieve.v1.RetrieveService/Search": _search("impression_id"),
        "headwater.retrieve.v1.RetrieveService/StreamSearch": _search(
            "search.impression_id", "summary.impression_id", count=lambda request: _wordings(request.search)
        ),
        "headwater.retrieve.v1.RetrieveService/BatchSearch": _search(
            "found.impression_id", count=lambda request: sum(map(_wordings, request.searches))
        ),
        "headwater.retrieve.v1.RetrieveService/GetWatermark": _UNSEEN,
        "headwater.generate.v1.GenerateService/Answer": Method(Group.ANSWER, subjects=("answer.answer_id",)),
        "headwater.generate.v1.GenerateService/GetReceipt": Method(Group.READ, subjects=("answer_id",)),
        "headwater.feedback.v1.FeedbackService/RecordFeedback": Method(Group.FEEDBACK, subjects=("impression_id",)),
        "headwater.feedback.v1.FeedbackService/ForgetUser": Method(Group.OPERATE, subjects=("user",)),
        "headwater.feedback.v1.FeedbackService/ListModels": Method(Group.READ),
        "headwater.feedback.v1.FeedbackService/PromoteModel": Method(Group.WRITE, subjects=("snapshot_id",)),
        "headwater.feedback.v1.FeedbackService/RollbackModel": Method(Group.WRITE, subjects=("decided.snapshot_id",)),
        "headwater.feedback.v1.FeedbackService/ExplainModel": Method(Group.READ, subjects=("snapshot_id",)),
        "headwater.feedback.v1.FeedbackService/DiffModels": Method(Group.READ, subjects=("right_id",)),
        "headwater.feedback.v1.FeedbackService/ListGates": Method(Group.READ),
        "headwater.feedback.v1.FeedbackService/AddGold": Method(Group.WRITE),
        "headwater.feedback.v1.FeedbackService/RemoveGold": Method(Group.WRITE),
        "headwater.feedback.v1.FeedbackService/ListGold": Method(Group.READ),
        "headwater.feedback.v1.FeedbackService/ListReviewItems": Method(Group.READ),
        "headwater.index.v1.IndexService/GetStats": _UNSEEN,
        "headwater.index.v1.IndexService/Reconcile": Method(Group.OPERATE, tenant="tenant"),
        "headwater.index.v1.IndexService/Rebuild": _OPERATE,
        "headwater.index.v1.IndexService/Reindex": _OPERATE,
        "headwater.index.v1.IndexService/GetReindex": _UNSEEN,
        "headwater.index.v1.IndexService/JudgeReindex": _OPERATE,
        "headwater.index.v1.IndexService/PromoteReindex": _OPERATE,
        "headwater.index.v1.IndexService/RollbackReindex": _OPERATE,
        "headwater.index.v1.IndexService/CancelReindex": _OPERATE,
        "headwater.index.v1.IndexService/DeleteTenant": Method(Group.OPERATE, tenant="tenant"),
        # What these are given is not kept: what they pass on is noted where it is read, and what a guard finds is on
        # audit.v1 anyway.
        "headwater.embed.v1.EmbedService/Embed": Method(
            Group.EMBED, is_audited=False, count=lambda request: len(request.texts)
        ),
        "headwater.embed.v1.EmbedService/Rerank": Method(
            Group.EMBED, is_audited=False, count=lambda request: len(request.passages)
        ),
        "headwater.embed.v1.EmbedService/ListModels": _UNSEEN,
        "headwater.guard.v1.GuardService/CheckInput": _CHECK,
        "headwater.guard.v1.GuardService/CheckPassages": Method(
            Group.CHECK, is_audited=False, count=lambda request: len(request.passages)
        ),
        "headwater.guard.v1.GuardService/CheckOutput": _CHECK,
    }
)
