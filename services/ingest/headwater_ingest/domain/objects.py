"""Bodies that are kept in the object store instead of in the log."""

import hashlib
import re

from headwater_kit.core.documents import ObjectReference
from headwater_kit.core.errors import InvalidInput, NotFound, Unavailable

# A body is put down before its record is written, so one that is not there is late only where the store is: this
# much later it will not come any more.
YOUNG_SECONDS = 600.0
_DIGEST = re.compile(r"[0-9a-f]{64}")


def reference_to(tenant: str, body: bytes) -> ObjectReference:
    """The name of a body: the same for the same body of the same tenant, and nothing of either in clear."""
    digest = hashlib.sha256(body).hexdigest()
    return ObjectReference(_name(tenant, digest), len(body), digest)


def check_reference(tenant: str, reference: ObjectReference) -> None:
    """Raises InvalidInput (OBJECT_FOREIGN) unless the name is one that this tenant's writes are given."""
    # A producer may write what it likes: what is no digest could be a path, or too long for a store to answer.
    if not _DIGEST.fullmatch(reference.sha256) or reference.name != _name(tenant, reference.sha256):
        raise InvalidInput(
            "body_object names no body of this tenant: send the body, by UploadDocument if it is large",
            reason="OBJECT_FOREIGN",
            field="body_object",
        )


def check_body(reference: ObjectReference, body: bytes) -> None:
    """Raises InvalidInput (OBJECT_CORRUPT) unless the body is the one that was put down."""
    if len(body) != reference.size_bytes or hashlib.sha256(body).hexdigest() != reference.sha256:
        raise InvalidInput(
            f"object {reference.name} is not what was written: write the document again",
            reason="OBJECT_CORRUPT",
            field="body_object",
        )


def missing(error: NotFound, age_seconds: float) -> Unavailable | InvalidInput:
    """What it means that an object is not there, for an event of this age."""
    if age_seconds < YOUNG_SECONDS:
        return Unavailable(f"{error.message}: the store may be behind")
    message = f"{error.message}: write the document again"
    return InvalidInput(message, reason="OBJECT_MISSING", field="body_object")


def folder_of(tenant: str) -> str:
    """What the names of all bodies of a tenant begin with."""
    return f"{hashlib.sha256(tenant.encode()).hexdigest()[:32]}/"


def _name(tenant: str, digest: str) -> str:
    return f"{folder_of(tenant)}{digest}"
