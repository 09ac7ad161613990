"""Strimzi's topics and users are those of the bus, and the services use them."""

from typing import Any

from architecture.house import ROOT, SERVICES
from architecture.kustomize import of_kind, render
from headwater_kit.bus.acls import USERS, Operation
from headwater_kit.bus.kafka.declared import settings_of
from headwater_kit.bus.topics import MAX_DEAD_LETTER_BYTES, PARTITIONS, TOPICS

PROD = render(ROOT / "deploy/k8s/overlays/prod")


def acls(user: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = of_kind(PROD, "KafkaUser")[user]["spec"]["authorization"]["acls"]
    return found


def test_every_topic_is_there_as_it_is_declared() -> None:
    found = of_kind(PROD, "KafkaTopic")
    assert set(found) == set(TOPICS)
    for name, topic in TOPICS.items():
        spec = found[name]["spec"]
        assert spec["partitions"] == PARTITIONS
        assert {key: str(value) for key, value in spec["config"].items()} == settings_of(topic)


def test_every_user_has_its_rights_and_no_other() -> None:
    assert set(of_kind(PROD, "KafkaUser")) == set(USERS)
    assert set(SERVICES) <= set(USERS)
    for user, rights in USERS.items():
        given = {
            (rule["resource"]["type"], rule["resource"]["name"], operation)
            for rule in acls(user)
            for operation in rule["operations"]
        }
        topics = {("topic", name, o.value) for o in Operation for name in rights.topics(o)}
        groups = {("group", name, o.value) for o in Operation for name in rights.groups(o)}
        assert given == topics | groups


def test_no_right_goes_beyond_one_name() -> None:
    rules = [rule for user in USERS for rule in acls(user)]
    assert {rule["resource"]["patternType"] for rule in rules} == {"literal"}
    assert not any("*" in rule["resource"]["name"] for rule in rules)
    assert {rule["type"] for rule in rules} == {"allow"}


def test_each_service_is_its_own_user() -> None:
    (settings,) = of_kind(PROD, "ConfigMap").values()
    for service in SERVICES:
        pod = of_kind(PROD, "Deployment")[service]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert {"name": "HEADWATER_KAFKA_SASL_USERNAME", "value": service} in container["env"]
        (secrets,) = [volume["projected"]["sources"] for volume in pod["volumes"] if volume["name"] == "secrets"]
        password = {"key": "password", "path": "HEADWATER_KAFKA_SASL_PASSWORD"}
        assert [each["secret"]["name"] for each in secrets] == ["headwater", service]
        assert secrets[-1]["secret"]["items"] == [password]
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert mounts["secrets"] == settings["data"]["HEADWATER_SECRETS_DIR"]


def test_the_cluster_refuses_what_no_rule_allows_and_takes_the_largest_record() -> None:
    (cluster,) = of_kind(PROD, "Kafka").values()
    kafka = cluster["spec"]["kafka"]
    assert kafka["authorization"] == {"type": "simple"}
    assert {listener["authentication"]["type"] for listener in kafka["listeners"]} == {"scram-sha-512"}
    assert all(listener["tls"] for listener in kafka["listeners"])
    assert kafka["config"]["replica.fetch.max.bytes"] >= MAX_DEAD_LETTER_BYTES
    assert kafka["config"]["auto.create.topics.enable"] is False
