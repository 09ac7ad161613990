"""Snapshots: learned models that say where they come from, and prove it.

A snapshot's id is a hash of what was learned, its parent, the place in the log
up to which it was learned, and the seed: the same learning gives the same id.
The signature (Ed25519) is over the whole record but the signature itself and
the time of publishing, so that the same model published twice is the same.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headwater_kit.auth.peer_keys import PeerKeys, key_id, read_private_key
from headwater_kit.codec.models import component_bytes, model_name, model_to_proto
from headwater_kit.core.clock import Clock
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import Learned, ModelName, ModelPublished, Stamp
from headwater_kit.core.soundness import check_learned

MODEL_KEY = "HEADWATER_MODEL_KEY"
MODEL_KEYS = "HEADWATER_MODEL_KEYS"
# So that nothing else that the key ever signs is taken for a model.
_CONTEXT = b"headwater model snapshot 1\0"

_log = logging.getLogger(__name__)

Seal = Callable[[ModelPublished], ModelPublished]


def snapshot_id(learned: Learned, stamp: Stamp) -> str:
    """The id of what was learned in this way. 32 hex digits."""
    place = stamp.trained_to
    came_from = (place.partition, place.offset) if place else ()
    lineage = repr((stamp.parent_id, came_from, stamp.seed)).encode()
    return hashlib.sha256(_sha256(learned).encode() + b"\0" + lineage).hexdigest()[:32]


def sign(published: ModelPublished, key: Ed25519PrivateKey | None) -> ModelPublished:
    """The record with its hash and id, and signed where there is a key; signing it again changes nothing.

    Raises InvalidInput for what no verifier would take, such as a weight that is no number.
    """
    check_learned(published.learned)
    stamp = replace(published.stamp or Stamp(""), signature=b"", key_id="" if key is None else key_id(key.public_key()))
    stamp = replace(stamp, sha256=_sha256(published.learned), snapshot_id=snapshot_id(published.learned, stamp))
    record = replace(published, stamp=stamp)
    if key is None:
        return record
    return replace(record, stamp=replace(stamp, signature=key.sign(_signed_bytes(record))))


class SnapshotVerifier:
    """Says whether what stands on `models.v1` may be served. Without keys it does not ask who signed."""

    def __init__(self, keys: PeerKeys | None) -> None:
        self._keys = keys

    def verify(self, key: bytes | None, published: ModelPublished) -> ModelName:
        """What the record, which stands under `key`, is a model of.

        Raises InvalidInput with a reason: WRONG_TENANT or WRONG_PLACE where it
        is of another tenant or part than its key; BAD_VALUES and OTHER_FEATURES
        as `core.soundness.check_learned`; BAD_HASH; and where there are keys,
        UNSIGNED, UNKNOWN_KEY and BAD_SIGNATURE.
        """
        name = model_name(key)
        _check_place(name, published)
        check_learned(published.learned)
        stamp = published.stamp
        if stamp is not None:
            _check_hash(published, stamp)
        if self._keys is not None:
            _check_signature(published, self._keys)
        return name


def open_verifier(folder: Path | None, clock: Clock) -> SnapshotVerifier:
    """The verifier by the public keys in a folder. Raises Misconfigured. Without a folder it says what that means."""
    if folder is None:
        _log.warning("%s is not set: models are served whoever wrote them to models.v1", MODEL_KEYS)
        return SnapshotVerifier(None)
    return SnapshotVerifier(PeerKeys(folder, clock, MODEL_KEYS))


def open_seal(path: Path | None) -> Seal:
    """Signs by the key in a file. Raises Misconfigured. Without a file it stamps alone, and says so."""
    if path is None:
        _log.warning("%s is not set: learned models are published without a signature", MODEL_KEY)
        return lambda published: sign(published, None)
    key = read_private_key(path, MODEL_KEY)
    return lambda published: sign(published, key)


def is_sealed(published: ModelPublished, seal: Seal) -> bool:
    """Whether a record is as `seal` leaves it: whole, and signed by its key, or by none where it has none."""
    try:
        return seal(published) == published
    except InvalidInput:
        return False


def _check_place(name: ModelName, published: ModelPublished) -> None:
    if name.tenant != published.learned.tenant:
        raise _refused("WRONG_TENANT", "the model is of another tenant than the one whose place it stands in", "tenant")
    if name != published.name:
        raise _refused("WRONG_PLACE", "the model is another than the one whose place it stands in", "component")


def _check_hash(published: ModelPublished, stamp: Stamp) -> None:
    is_whole = stamp.sha256 == _sha256(published.learned)
    if not is_whole or stamp.snapshot_id != snapshot_id(published.learned, stamp):
        raise _refused("BAD_HASH", "the model is not the one that was stamped: publish it anew", "stamp.sha256")


def _check_signature(published: ModelPublished, keys: PeerKeys) -> None:
    stamp = published.stamp
    if stamp is None or not stamp.signature:
        raise _refused("UNSIGNED", f"the model is not signed: give feedback a {MODEL_KEY}", "stamp.signature")
    known = keys.find(stamp.key_id)
    if known is None:
        raise _refused("UNKNOWN_KEY", f"nobody known signed the model: is its key in {MODEL_KEYS}?", "stamp.key_id")
    try:
        known.key.verify(stamp.signature, _signed_bytes(published))
    except InvalidSignature:
        raise _refused(
            "BAD_SIGNATURE", "the model is not what was signed: publish it anew", "stamp.signature"
        ) from None


def _sha256(learned: Learned) -> str:
    return hashlib.sha256(component_bytes(learned)).hexdigest()


def _signed_bytes(published: ModelPublished) -> bytes:
    message = model_to_proto(published)
    message.stamp.ClearField("signature")
    message.ClearField("publish_time")
    return _CONTEXT + message.SerializeToString(deterministic=True)


def _refused(reason: str, message: str, field: str) -> InvalidInput:
    return InvalidInput(message, reason=reason, field=field)
