"""Learned models, and what was decided about them ↔ `headwater.events.v1`."""

from headwater.events.v1 import events_pb2 as pb

from headwater_kit.codec.documents import position_from_proto, position_to_proto
from headwater_kit.codec.enums import GATE_DECISIONS, SERVING_POLICIES
from headwater_kit.codec.times import time_from_proto, time_to_proto
from headwater_kit.core.errors import InvalidInput
from headwater_kit.core.learning import (
    Adapter,
    AdapterModel,
    Arm,
    BanditModel,
    ClickMemory,
    GateCheck,
    GateDecided,
    GoldLabel,
    GoldQuestion,
    Learned,
    ModelName,
    ModelPublished,
    PassageVotes,
    RankerModel,
    ServingPolicy,
    Stamp,
)

_CHALLENGER = "challenger"


def model_to_proto(event: ModelPublished) -> pb.ModelPublished:
    """Learned state; its tenant stands on the message, not on the component."""
    message = pb.ModelPublished(
        tenant=event.learned.tenant,
        publish_time=time_to_proto(event.publish_time),
        stamp=stamp_to_proto(event.stamp) if event.stamp else None,
        stage=SERVING_POLICIES.to_proto(event.stage),
        share=event.share,
    )
    match event.learned:
        case ClickMemory() as memory:
            message.memory.CopyFrom(_memory_to_proto(memory))
        case RankerModel() as ranker:
            message.ranker.CopyFrom(pb.RankerModel(weights=ranker.weights, features=ranker.features))
        case AdapterModel() as adapter:
            adapters = [_adapter_to_proto(each) for each in adapter.adapters]
            message.adapter.CopyFrom(pb.AdapterModel(model_id=adapter.model_id, adapters=adapters))
        case BanditModel() as bandit:
            arms = [_arm_to_proto(arm) for arm in bandit.arms]
            message.bandit.CopyFrom(pb.BanditModel(name=bandit.name, arms=arms))
    return message


def model_from_proto(message: pb.ModelPublished) -> ModelPublished:
    """Learned state. Raises InvalidInput where the component is unset or unknown to this build."""
    is_told = message.stage != pb.SERVING_POLICY_UNSPECIFIED
    return ModelPublished(
        _learned_from_proto(message),
        time_from_proto(message.publish_time),
        stamp_from_proto(message.stamp) if message.HasField("stamp") else None,
        SERVING_POLICIES.from_proto(message.stage, "stage") if is_told else ServingPolicy.EXPLOIT,
        message.share,
    )


def component_bytes(learned: Learned) -> bytes:
    """What `Stamp.sha256` is the hash of: the component, and nothing of when or by whom."""
    message = model_to_proto(ModelPublished(learned, 0.0))
    return message.SerializeToString(deterministic=True)


def model_key(name: ModelName) -> bytes:
    """Where it stands on `models.v1`."""
    words = (name.tenant, name.component, name.part, *((_CHALLENGER,) if name.is_challenger else ()))
    return "\x1f".join(words).encode()


def model_name(key: bytes | None) -> ModelName:
    """What stands under a key of `models.v1`. Raises InvalidInput for a key that is none."""
    words = (key or b"").decode(errors="replace").split("\x1f")
    if len(words) == 3:
        return ModelName(words[0], words[1], words[2])
    if len(words) == 4 and words[3] == _CHALLENGER:
        return ModelName(words[0], words[1], words[2], is_challenger=True)
    raise InvalidInput("the key must be tenant, component and part", field="key", reason="INVALID_KEY")


def gate_to_proto(event: GateDecided) -> pb.GateDecided:
    """A decision of the gate."""
    return pb.GateDecided(
        tenant=event.tenant,
        component=event.component,
        snapshot_id=event.snapshot_id,
        parent_id=event.parent_id,
        decision=GATE_DECISIONS.to_proto(event.decision),
        checks=[
            pb.GateCheck(name=c.name, value=c.value, bound=c.bound, passed=c.passed, examples=c.examples)
            for c in event.checks
        ],
        reason=event.reason,
        user=event.user,
        time=time_to_proto(event.time),
        part=event.part,
        position=position_to_proto(event.position) if event.position else None,
        follows=event.follows,
    )


def gate_from_proto(message: pb.GateDecided) -> GateDecided:
    """A decision of the gate. Raises InvalidInput."""
    return GateDecided(
        tenant=message.tenant,
        component=message.component,
        snapshot_id=message.snapshot_id,
        parent_id=message.parent_id,
        decision=GATE_DECISIONS.from_proto(message.decision, "decision"),
        checks=tuple(GateCheck(c.name, c.value, c.bound, c.passed, c.examples) for c in message.checks),
        reason=message.reason,
        time=time_from_proto(message.time),
        user=message.user,
        part=message.part,
        position=position_from_proto(message.position) if message.HasField("position") else None,
        follows=message.follows,
    )


def gold_to_proto(event: GoldQuestion) -> pb.GoldQuestion:
    """A question whose answers are known."""
    labels = [
        pb.GoldLabel(document_id=label.document_id, grade=label.grade, text_hash=label.text_hash)
        for label in event.labels
    ]
    return pb.GoldQuestion(
        tenant=event.tenant, query=event.query, labels=labels, user=event.user, time=time_to_proto(event.time)
    )


def gold_from_proto(message: pb.GoldQuestion) -> GoldQuestion:
    """A question whose answers are known."""
    labels = tuple(GoldLabel(label.document_id, label.grade, label.text_hash) for label in message.labels)
    return GoldQuestion(message.tenant, message.query, labels, message.user, time_from_proto(message.time))


def _learned_from_proto(message: pb.ModelPublished) -> Learned:
    tenant = message.tenant
    match message.WhichOneof("component"):
        case "memory":
            memory = message.memory
            votes = tuple(_votes_from_proto(each) for each in memory.votes)
            return ClickMemory(
                tenant,
                memory.cluster_id,
                memory.centroid,
                memory.model_id,
                votes,
                time_from_proto(memory.as_of) if memory.HasField("as_of") else 0.0,
                memory.half_life_days,
                memory.min_cosine if memory.HasField("min_cosine") else None,
            )
        case "ranker":
            return RankerModel(tenant, tuple(message.ranker.weights), tuple(message.ranker.features))
        case "adapter":
            adapters = tuple(_adapter_from_proto(each) for each in message.adapter.adapters)
            return AdapterModel(tenant, message.adapter.model_id, adapters)
        case "bandit":
            arms = tuple(Arm(a.name, dict(a.values), a.successes, a.failures) for a in message.bandit.arms)
            return BanditModel(tenant, message.bandit.name, arms)
        case _:
            raise InvalidInput("component must be memory, ranker, adapter or bandit", field="component")


def _memory_to_proto(memory: ClickMemory) -> pb.ClickMemory:
    return pb.ClickMemory(
        cluster_id=memory.cluster_id,
        centroid=memory.centroid,
        model_id=memory.model_id,
        votes=[_votes_to_proto(votes) for votes in memory.votes],
        as_of=time_to_proto(memory.as_of) if memory.as_of else None,
        half_life_days=memory.half_life_days,
        min_cosine=memory.min_cosine,
    )


def _votes_to_proto(votes: PassageVotes) -> pb.PassageVotes:
    return pb.PassageVotes(
        document_id=votes.document_id,
        text_hash=votes.text_hash,
        up=votes.up,
        down=votes.down,
        up_weight=votes.up_weight,
        down_weight=votes.down_weight,
    )


def _votes_from_proto(message: pb.PassageVotes) -> PassageVotes:
    return PassageVotes(
        message.document_id,
        message.text_hash,
        message.up,
        message.down,
        message.up_weight if message.HasField("up_weight") else None,
        message.down_weight if message.HasField("down_weight") else None,
    )


def _adapter_to_proto(adapter: Adapter) -> pb.Adapter:
    return pb.Adapter(
        topic_id=adapter.topic_id,
        centroid=adapter.centroid,
        min_cosine=adapter.min_cosine,
        rank=adapter.rank,
        u=adapter.u,
        v=adapter.v,
    )


def _adapter_from_proto(message: pb.Adapter) -> Adapter:
    return Adapter(message.topic_id, message.centroid, message.min_cosine, message.rank, message.u, message.v)


def _arm_to_proto(arm: Arm) -> pb.Arm:
    return pb.Arm(name=arm.name, values=arm.values, successes=arm.successes, failures=arm.failures)


def stamp_to_proto(stamp: Stamp) -> pb.Stamp:
    """Where a model comes from."""
    return pb.Stamp(
        snapshot_id=stamp.snapshot_id,
        parent_id=stamp.parent_id,
        sha256=stamp.sha256,
        signature=stamp.signature,
        key_id=stamp.key_id,
        trained_to=position_to_proto(stamp.trained_to) if stamp.trained_to else None,
        seed=stamp.seed,
        metrics=stamp.metrics,
        example_count=stamp.example_count,
    )


def stamp_from_proto(message: pb.Stamp) -> Stamp:
    """Where a model comes from."""
    return Stamp(
        snapshot_id=message.snapshot_id,
        parent_id=message.parent_id,
        sha256=message.sha256,
        signature=message.signature,
        key_id=message.key_id,
        trained_to=position_from_proto(message.trained_to) if message.HasField("trained_to") else None,
        seed=message.seed,
        metrics=dict(message.metrics),
        example_count=message.example_count,
    )
