"""Twenty bad models, each offered where it would come in: to the gate, or by `models.v1` to who serves."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from headwater_feedback.domain.learners import Trained
from headwater_kit.auth.peer_keys import PeerKeys, key_id
from headwater_kit.auth.snapshots import SnapshotVerifier, sign
from headwater_kit.codec.events import decode, encode
from headwater_kit.codec.models import model_key
from headwater_kit.core.documents import Position
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import GateDecision, ModelName, ModelPublished, ServingPolicy, Stamp
from headwater_kit.testing.clock import ManualClock
from unit.services.feedback.traffic import LIVE, TASTE, Traffic, ranker

LISTS = 1_500
KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
STALE = replace(ranker(TASTE), features=("bm25", *ranker(TASTE).features[1:]))
NOISE = np.random.default_rng(5).standard_normal(len(LIVE))


def offered(change: Callable[[Trained], Trained]) -> str:
    """What the gate says at once; empty where it lets the model in."""
    traffic = Traffic(1)
    traffic.run(LISTS)
    found = traffic.gate.offer(change(Trained(ranker(TASTE), Position(0, LISTS), 1_000)))
    refused = [verdict.decided for verdict in found if verdict.decided.decision is GateDecision.REFUSED]
    return refused[0].reason if refused and not any(verdict.models for verdict in found) else ""


def tried(weights: "np.ndarray", seed: int) -> str:
    """What the gate says of one that users see for a while; empty where it is still served after that."""
    traffic = Traffic(seed)
    traffic.run(LISTS)
    traffic.offer(weights)
    while traffic.gate.trial is not None and traffic.count < 12_000:
        traffic.run(100)
    return "" if traffic.live or traffic.challenger else traffic.verdicts[-1].decided.reason


def gone_bad(harm: float) -> str:
    """What the gate says of one that was better and is not any more; empty where it is served after 3,000 lists."""
    traffic = Traffic(3)
    traffic.run(LISTS)
    traffic.offer((LIVE + TASTE) / 2)
    while traffic.gate.trial is not None:
        traffic.run(100)
    assert traffic.live is not None, "it was to be promoted first"
    traffic.harm, end = harm, traffic.count + 3_000
    while traffic.live is not None and traffic.count < end:
        traffic.run(50)
    return "" if traffic.live else traffic.verdicts[-1].decided.reason


def served(model: ModelPublished, folder: Path, name: ModelName | None = None) -> str:
    """Why who serves does not take it from the topic; empty where it does."""
    verifier = SnapshotVerifier(PeerKeys(folder, ManualClock()))
    try:
        verifier.verify(model_key(name or model.name), decode(ModelPublished, encode(model)))
    except InvalidInput as error:
        return error.reason
    return ""


def good() -> ModelPublished:
    return sign(ModelPublished(ranker(TASTE), 1.0, Stamp("", trained_to=Position(0, LISTS), example_count=1_000)), KEY)


def stamped(model: ModelPublished, **changes: object) -> ModelPublished:
    assert model.stamp is not None
    return replace(model, stamp=replace(model.stamp, **changes))  # type: ignore[arg-type]


def forged(model: ModelPublished, **changes: object) -> ModelPublished:
    """Another model under the good one's signature, its hash and id made to fit."""
    fitted = sign(replace(model, **changes), None)  # type: ignore[arg-type]
    assert model.stamp is not None
    return stamped(fitted, signature=model.stamp.signature, key_id=key_id(KEY.public_key()))


def cases(folder: Path) -> Mapping[str, Callable[[], str]]:
    """By name, what became of each: the reason of its refusal or rollback, empty where it is served."""
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "feedback.pem").write_bytes(public)
    huge, broken = ranker((1e9, *TASTE[1:])), ranker((float("nan"), *TASTE[1:]))
    inverted = ranker(-LIVE)
    return {
        "gate: inverted weights": lambda: offered(lambda t: replace(t, learned=inverted)),
        "gate: weights of noise": lambda: offered(lambda t: replace(t, learned=ranker(NOISE))),
        "gate: weights away from what users want": lambda: offered(
            lambda t: replace(t, learned=ranker(LIVE - (TASTE - LIVE) / 2))
        ),
        "gate: stale features": lambda: offered(lambda t: replace(t, learned=STALE)),
        "gate: another tenant's": lambda: offered(lambda t: replace(t, learned=ranker(TASTE, "globex"))),
        "gate: trained on another tenant": lambda: offered(lambda t: replace(t, trained_to=Position(4, LISTS))),
        "gate: trained on what is not there": lambda: offered(lambda t: replace(t, trained_to=Position(0, 9_999))),
        "gate: more examples than there are": lambda: offered(lambda t: replace(t, example_count=LISTS + 1)),
        "gate: a weight that is no number": lambda: offered(lambda t: replace(t, learned=broken)),
        "gate: a huge weight": lambda: offered(lambda t: replace(t, learned=huge)),
        "gate: no better, by a little noise": lambda: tried(LIVE + 0.02 * NOISE, 2),
        "gate: goes bad once it is live": lambda: gone_bad(0.4),
        "served: bad signature": lambda: served(stamped(good(), signature=b"x" * 64), folder),
        "served: inverted under a good signature": lambda: served(replace(good(), learned=inverted), folder),
        "served: forged hash under a good signature": lambda: served(forged(good(), learned=inverted), folder),
        "served: signed by a stranger": lambda: served(sign(good(), STRANGER), folder),
        "served: not signed": lambda: served(sign(good(), None), folder),
        "served: in another tenant's place": lambda: served(good(), folder, ModelName("globex", "ranker")),
        "served: a challenger as live": lambda: served(
            sign(replace(good(), stage=ServingPolicy.CANARY), KEY), folder, ModelName("acme", "ranker")
        ),
        "served: stale features, rightly stamped": lambda: served(replace(good(), learned=STALE), folder),
    }
