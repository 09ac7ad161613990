"""Pods that cannot work: each says so in a line, is not ready, and is not started over and over."""

import json
import time
from dataclasses import dataclass
from typing import Any

from cluster import kube
from cluster.deploying import Say

LOOK_FOR_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Case:
    """A service with other settings, and what a line of its log must have."""

    service: str
    settings: dict[str, str]
    says: str


CASES = {
    "wrong broker": Case("guard", {"HEADWATER_KAFKA_BOOTSTRAP": "nowhere:9092"}, "HEADWATER_KAFKA_BOOTSTRAP"),
    "no store": Case("index", {"HEADWATER_MILVUS_URI": "http://nowhere:19530"}, "HEADWATER_MILVUS_URI"),
    "no secret": Case(
        "feedback", {"HEADWATER_KAFKA_SECURITY_PROTOCOL": "sasl_plaintext"}, "HEADWATER_KAFKA_SASL_PASSWORD"
    ),
}


def broken(say: Say) -> dict[str, Any]:
    """What each pod did and said."""
    for name, case in CASES.items():
        kube.apply(_deployment(name, case))
    time.sleep(LOOK_FOR_SECONDS)
    found = {name: _seen(name, case) for name, case in CASES.items()}
    for name, seen in found.items():
        kube.kubectl("delete", "deployment", _label(name), "--wait=false")
        say(f"{name}: {seen['restarts']} restarts, says {seen['says']!r}")
    return found


def _label(name: str) -> str:
    return f"broken-{name.replace(' ', '-')}"


def _deployment(name: str, case: Case) -> dict[str, Any]:
    """The service's own, under a name and labels of its own, so that nobody calls it."""
    template = kube.get("deployment", case.service)["spec"]["template"]
    labels = {"app.kubernetes.io/name": _label(name), "app.kubernetes.io/part-of": "headwater"}
    (container,) = template["spec"]["containers"]
    container["env"] = [{"name": key, "value": value} for key, value in case.settings.items()]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": _label(name)},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": template["spec"]},
        },
    }


def _seen(name: str, case: Case) -> dict[str, Any]:
    (pod,) = kube.pods(_label(name))
    (status,) = pod["status"]["containerStatuses"]
    printed = kube.kubectl("logs", pod["metadata"]["name"])
    previous = kube.kubectl("logs", pod["metadata"]["name"], "--previous") if status["restartCount"] else ""
    said = [line for line in (previous + printed).splitlines() if case.says in line]
    wrong = ["ready all the same"] if status["ready"] else []
    wrong += [f"started {status['restartCount'] + 1} times"] if status["restartCount"] else []
    wrong += [] if said else [f"does not speak of {case.says}"]
    return {"restarts": status["restartCount"], "says": _message(said[0]) if said else "", "wrong": wrong}


def _message(line: str) -> str:
    try:
        return str(json.loads(line).get("message", line))
    except ValueError:
        return line
