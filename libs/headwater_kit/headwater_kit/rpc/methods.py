"""Every method of every service, declared once: what it is counted as, and what audit notes of it.

A method that stands nowhere here is refused by a test, not by a server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from headwater_kit.core.quotas import Group


@dataclass(frozen=True, slots=True)
class Method:
    """What there is to know of a method around its calls.

    `is_audited` where it reads or writes what is a tenant's. `subjects` names
    the fields of its messages, dotted, that hold the id of what it is about; the
    last one that is set counts. `tenant` names the field of its request that
    holds the tenant, where an operator may name another than the caller's.
    """

    group: Group
    is_audited: bool = True
    subjects: tuple[str, ...] = ()
    tenant: str = ""


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
        "headwater.retrieve.v1.RetrieveService/Search": Method(Group.SEARCH, subjects=("impression_id",)),
        "headwater.retrieve.v1.RetrieveService/StreamSearch": Method(
            Group.SEARCH, subjects=("search.impression_id", "summary.impression_id")
        ),
        "headwater.retrieve.v1.RetrieveService/BatchSearch": Method(Group.SEARCH, subjects=("found.impression_id",)),
        "headwater.retrieve.v1.RetrieveService/GetWatermark": _UNSEEN,
        "headwater.generate.v1.GenerateService/Answer": Method(Group.ANSWER, subjects=("answer.answer_id",)),
        "headwater.generate.v1.GenerateService/GetReceipt": Method(Group.READ, subjects=("answer_id",)),
        "headwater.feedback.v1.FeedbackService/RecordFeedback": Method(Group.FEEDBACK, subjects=("impression_id",)),
        "headwater.feedback.v1.FeedbackService/ListModels": Method(Group.READ),
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
        "headwater.embed.v1.EmbedService/Embed": Method(Group.EMBED, is_audited=False),
        "headwater.embed.v1.EmbedService/Rerank": Method(Group.EMBED, is_audited=False),
        "headwater.embed.v1.EmbedService/ListModels": _UNSEEN,
        "headwater.guard.v1.GuardService/CheckInput": _CHECK,
        "headwater.guard.v1.GuardService/CheckPassages": _CHECK,
        "headwater.guard.v1.GuardService/CheckOutput": _CHECK,
    }
)
