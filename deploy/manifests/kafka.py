"""The broker's topics and users as Strimzi's resources, from the tables of the bus."""

from headwater_kit.bus.acls import USERS, Rights, Rule
from headwater_kit.bus.kafka.declared import settings_of
from headwater_kit.bus.topics import PARTITIONS, TOPICS, Topic

from manifests.documents import Resource, as_yaml
from manifests.services import SERVICES

CLUSTER = "headwater"
_API = "kafka.strimzi.io/v1"


def topics() -> str:
    """The file of topics."""
    said = "Every topic of headwater_kit.bus.topics, as the services make them where they may."
    return as_yaml(said, map(_topic, TOPICS.values()))


def users() -> str:
    """The file of users, with the least rights of each."""
    said = "Every user of headwater_kit.bus.acls. Its password is in the Secret of its name."
    return as_yaml(said, (_user(name, rights) for name, rights in USERS.items()))


def credentials() -> str:
    """The file of patches by which each service is its own user."""
    said = "Each service is its own user, whose password Strimzi puts into the Secret of its name."
    return as_yaml(said, map(_as_user, SERVICES))


def _topic(topic: Topic) -> Resource:
    config = {name: int(value) if value.isdigit() else value for name, value in settings_of(topic).items()}
    # As many copies as the cluster gives by default.
    return _resource("KafkaTopic", topic.name, {"partitions": PARTITIONS, "config": config})


def _user(name: str, rights: Rights) -> Resource:
    spec = {
        "authentication": {"type": "scram-sha-512"},
        "authorization": {"type": "simple", "acls": [_acl(rule) for rule in rights.rules()]},
    }
    return _resource("KafkaUser", name, spec)


def _acl(rule: Rule) -> Resource:
    resource = {"type": rule.kind.value, "name": rule.name, "patternType": "literal"}
    operations = [operation.value for operation in rule.operations]
    return {"type": "allow", "resource": resource, "operations": operations, "host": "*"}


def _as_user(service: str) -> Resource:
    container = {"name": "service", "env": [{"name": "HEADWATER_KAFKA_SASL_USERNAME", "value": service}]}
    # Of a list of sources a patch replaces all: the services' common Secret is among them again.
    common = {"secret": {"name": "headwater", "optional": True}}
    own = {"secret": {"name": service, "items": [{"key": "password", "path": "HEADWATER_KAFKA_SASL_PASSWORD"}]}}
    secrets = {"name": "secrets", "projected": {"sources": [common, own]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service},
        "spec": {"template": {"spec": {"containers": [container], "volumes": [secrets]}}},
    }


def _resource(kind: str, name: str, spec: Resource) -> Resource:
    metadata = {"name": name, "labels": {"strimzi.io/cluster": CLUSTER}}
    return {"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": spec}
