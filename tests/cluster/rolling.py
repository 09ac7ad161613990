"""A rolling update of every service while clients go on calling."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from chaos.platform import SERVICES
from cluster import kube
from cluster.deploying import ROOT, Say

PER_SECOND = 5.0
WARM_SECONDS = 5.0
ROLLOUT_SECONDS = 240.0
POD = "steady"


def rolled(say: Say, services: Sequence[str] = SERVICES) -> dict[str, Any]:
    """Seconds a rollout, calls and failures by kind."""
    # It carries the SDK.
    _start(kube.get("deployment", "generate")["spec"]["template"]["spec"]["containers"][0]["image"])
    seconds: dict[str, float] = {}
    with kube.logs(POD) as lines:
        time.sleep(WARM_SECONDS)
        for service in services:
            began = time.monotonic()
            kube.kubectl("rollout", "restart", f"deployment/{service}")
            kube.kubectl("rollout", "status", f"deployment/{service}", seconds=ROLLOUT_SECONDS)
            # The old pod goes on serving while it drains.
            kube.wait_until(lambda service=service: len(kube.pods(service)) == 1, 60.0, f"{service}'s old pod's end")
            seconds[service] = round(time.monotonic() - began, 1)
            say(f"{service} rolled in {seconds[service]} s")
        time.sleep(WARM_SECONDS)
    return {"per_second": PER_SECOND, "rollout_seconds": seconds, **summary(lines)}


def summary(lines: Sequence[str]) -> dict[str, Any]:
    """Of what the pod printed: calls, failures with their words, and the slowest calls."""
    calls = [json.loads(line) for line in lines if line.startswith("{")]
    took = sorted(call["ms"] for call in calls) or [0]
    return {
        "calls": dict(Counter(call["call"] for call in calls)),
        "failed": sum("error" in call for call in calls),
        "failures": [call for call in calls if "error" in call][:20],
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[len(took) * 99 // 100],
        "most_ms": took[-1],
        "other_lines": [line for line in lines if not line.startswith("{")][:5],
    }


def _start(image: str) -> None:
    kube.kubectl("delete", "pod", POD, "--ignore-not-found", "--grace-period=1")
    script = (Path(__file__).parent / "steady.py").read_text()
    job = yaml.safe_load((ROOT / "deploy/k8s/smoke/job.yaml").read_text())["spec"]["template"]
    kube.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": POD}, "data": {"steady.py": script}},
        _pod(job, image),
    )
    kube.kubectl("wait", "--for=condition=Ready", f"pod/{POD}", "--timeout=90s", seconds=100.0)


def _pod(job: Mapping[str, Any], image: str) -> dict[str, Any]:
    """As the smoke job's pod, but for what it runs."""
    (container,) = job["spec"]["containers"]
    container |= {
        "image": image,
        "command": ["python", "/steady/steady.py", str(PER_SECOND)],
        "volumeMounts": [{"name": POD, "mountPath": "/steady"}],
    }
    spec = job["spec"] | {"containers": [container], "volumes": [{"name": POD, "configMap": {"name": POD}}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "labels": {"headwater/client": "true"}},
        "spec": spec,
    }
