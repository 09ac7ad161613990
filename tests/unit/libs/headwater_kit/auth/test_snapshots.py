"""A model is served only if it is what was learned, for whom it was learned, and signed by who may."""

from array import array
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from headwater_kit.auth.peer_keys import PeerKeys
from headwater_kit.auth.snapshots import SnapshotVerifier, open_seal, open_verifier, sign
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.models import model_key, model_name
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput, Misconfigured
from headwater_kit.core.learning import (
    FEATURES,
    Adapter,
    AdapterModel,
    Arm,
    BanditModel,
    ClickMemory,
    Learned,
    ModelName,
    ModelPublished,
    PassageVotes,
    RankerModel,
    ServingPolicy,
    Stamp,
)
from headwater_kit.testing.clock import ManualClock
from hypothesis import given
from hypothesis import strategies as st

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
AXIS = array("f", (1.0, 0.0)).tobytes()
RANKER = RankerModel("acme", tuple(0.5 for _ in FEATURES))
MODELS: list[Learned] = [
    RANKER,
    ClickMemory("acme", "c1", AXIS, "m", (PassageVotes("d", "h", 2, 1, 1.5, 0.5),)),
    AdapterModel("acme", "m", (Adapter("t", AXIS, 0.5, 1, AXIS, AXIS),)),
    BanditModel("acme", "fusion", (Arm("even", {"dense": 0.5, "lexical": 0.5}, 3.0, 1.0),)),
]
TRAINED_TO = Position(3, 1402)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> SnapshotVerifier:
    folder = tmp_path_factory.mktemp("keys")
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "feedback.pem").write_bytes(public)
    return SnapshotVerifier(PeerKeys(folder, ManualClock()))


def published(learned: Learned = RANKER, **changes: object) -> ModelPublished:
    stamp = Stamp("", parent_id="before", trained_to=TRAINED_TO, seed=7, metrics={"ndcg": 0.5}, example_count=900)
    return replace(ModelPublished(learned, 100.0, stamp), **changes)  # type: ignore[arg-type]


def signed(learned: Learned = RANKER, **changes: object) -> ModelPublished:
    return sign(published(learned, **changes), KEY)


def stamped(model: ModelPublished, **changes: object) -> ModelPublished:
    assert model.stamp is not None
    return replace(model, stamp=replace(model.stamp, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("learned", MODELS, ids=lambda learned: learned.component)
@pytest.mark.parametrize("stage", [ServingPolicy.EXPLOIT, ServingPolicy.INTERLEAVE, ServingPolicy.CANARY])
def test_what_was_signed_is_taken_as_it_comes_by_the_topic(
    verifier: SnapshotVerifier, learned: Learned, stage: ServingPolicy
) -> None:
    model = signed(learned, stage=stage, share=0.1)
    read = decode(ModelPublished, encode(model))
    assert verifier.verify(model_key(model.name), read) == model.name


def test_signing_again_or_later_changes_nothing_but_the_time() -> None:
    model = signed()
    assert sign(model, KEY) == model
    later = sign(published(publish_time=200.0), KEY)
    assert later == replace(model, publish_time=200.0)


@pytest.mark.parametrize(
    "change", [{"parent_id": "other"}, {"seed": 8}, {"trained_to": replace(TRAINED_TO, offset=1403)}]
)
def test_the_id_names_what_was_learned_and_from_where(change: dict[str, object]) -> None:
    before, after = signed(), sign(stamped(signed(), **change), KEY)
    assert before.stamp is not None
    assert after.stamp is not None
    assert before.stamp.sha256 == after.stamp.sha256
    assert before.stamp.snapshot_id != after.stamp.snapshot_id


def refusal(verifier: SnapshotVerifier, model: ModelPublished, name: ModelName | None = None) -> str:
    with pytest.raises(InvalidInput) as caught:
        verifier.verify(model_key(name or model.name), model)
    assert caught.value.field
    return caught.value.reason


def test_refusals(verifier: SnapshotVerifier) -> None:
    model = signed()
    inverted = replace(RANKER, weights=tuple(-weight for weight in RANKER.weights))
    assert refusal(verifier, replace(model, learned=inverted)) == "BAD_HASH"
    assert refusal(verifier, stamped(model, seed=9)) == "BAD_HASH"
    assert refusal(verifier, stamped(model, example_count=10_000)) == "BAD_SIGNATURE"
    assert refusal(verifier, replace(model, stage=ServingPolicy.CANARY)) == "BAD_SIGNATURE"
    assert refusal(verifier, stamped(model, signature=b"x" * 64)) == "BAD_SIGNATURE"
    assert refusal(verifier, sign(published(), OTHER)) == "UNKNOWN_KEY"
    assert refusal(verifier, sign(published(), None)) == "UNSIGNED"
    assert refusal(verifier, replace(model, stamp=None)) == "UNSIGNED"
    assert refusal(verifier, model, ModelName("globex", "ranker")) == "WRONG_TENANT"
    assert refusal(verifier, model, ModelName("acme", "bandit", "fusion")) == "WRONG_PLACE"
    assert refusal(verifier, model, replace(model.name, is_challenger=True)) == "WRONG_PLACE"
    stale = replace(model, learned=replace(RANKER, features=("bm25", *FEATURES[1:])))
    assert refusal(verifier, stale) == "OTHER_FEATURES"


def test_a_key_signs_no_more_than_it_is_given(verifier: SnapshotVerifier) -> None:
    """The same signature under another context, as of a token, is none."""
    assert refusal(verifier, stamped(signed(), signature=KEY.sign(b"anything"))) == "BAD_SIGNATURE"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_numbers_that_are_none_are_not_even_signed(value: float) -> None:
    learned = replace(RANKER, weights=(value, *RANKER.weights[1:]))
    with pytest.raises(InvalidInput) as caught:
        signed(learned)
    assert caught.value.reason == "BAD_VALUES"


@pytest.mark.parametrize(
    "adapter",
    [
        Adapter("t", AXIS, 0.5, 1, AXIS[:4], AXIS),
        Adapter("t", AXIS, 0.5, 1, AXIS[:3], AXIS),
        Adapter("t", b"", 0.5, 1, b"", b""),
        Adapter("t", AXIS, 0.5, 1, array("f", (400.0, 0.0)).tobytes(), AXIS),
        Adapter("t", AXIS, float("nan"), 1, AXIS, AXIS),
    ],
)
def test_adapters_that_turn_nothing_or_too_far_are_refused(adapter: Adapter) -> None:
    with pytest.raises(InvalidInput, match="finite"):
        signed(AdapterModel("acme", "m", (adapter,)))


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_no_bit_of_a_record_can_be_changed(verifier: SnapshotVerifier, at: int, bit: int) -> None:
    model = signed()
    value = bytearray(encode(model))
    value[at % len(value)] ^= 1 << bit
    try:
        read = decode(ModelPublished, bytes(value))
    except InvalidInput:
        return
    if replace(read, publish_time=0.0) == replace(model, publish_time=0.0):
        return
    with pytest.raises(InvalidInput):
        verifier.verify(model_key(model.name), read)


def test_without_keys_what_is_unsigned_is_taken_if_it_is_whole(caplog: pytest.LogCaptureFixture) -> None:
    trusting, seal = open_verifier(None, ManualClock()), open_seal(None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    model = seal(published())
    trusting.verify(model_key(model.name), model)
    trusting.verify(model_key(model.name), replace(model, stamp=None))
    assert refusal(trusting, stamped(model, sha256="0")) == "BAD_HASH"


def test_a_folder_or_file_without_a_key_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="HEADWATER_MODEL_KEYS"):
        open_verifier(tmp_path, ManualClock())
    with pytest.raises(Misconfigured, match="HEADWATER_MODEL_KEY="):
        open_seal(tmp_path / "none")


def test_names_are_read_back_from_keys_and_others_are_refused() -> None:
    for name in (ModelName("acme", "ranker"), ModelName("acme", "memory", "c1", is_challenger=True)):
        assert model_name(model_key(name)) == name
    for key in (None, b"", b"acme", b"a\x1fb\x1fc\x1fd", b"a\x1fb\x1fc\x1fchallenger\x1fe"):
        with pytest.raises(InvalidInput):
            model_name(key)
