"""Pods deleted one after the other while documents come in; what is left is held to the input log alone."""

import random
import time
import uuid
from typing import Any

from chaos.corpus import chosen, stories
from chaos.platform import SERVICES
from chaos.producing import SteadyProducer
from chaos.records import Records
from chaos.verifying import Verifier
from chaos.workload import Workload
from cluster import kube
from cluster.deploying import Say

TUNNEL_PORT = 19092
STORE_PORT = 19530
LOCAL_STORE_PORT = 29530
PER_SECOND = 5.0
DOCUMENTS = 80
BACK_SECONDS = 180.0
QUIET_SECONDS = 240.0
# As a node that dies would have it; else a pod gets its time to drain.
AT_ONCE = ("--grace-period=0", "--force")


def killed(seed: int, say: Say) -> dict[str, Any]:
    """Every service's pod once in peace and once at once; seconds until it is back, and what is wrong afterwards."""
    with (
        kube.tunnel("kafka", TUNNEL_PORT, TUNNEL_PORT) as bootstrap,
        kube.tunnel("milvus", STORE_PORT, LOCAL_STORE_PORT) as store,
    ):
        records, rng = Records(bootstrap), random.Random(seed)
        tenant = f"cluster-{seed}-{uuid.uuid4().hex[:6]}"
        verifier = Verifier(records, f"http://{store}", tenant)
        workload = Workload(tenant, chosen(stories(None), DOCUMENTS, rng), rng, backfill=True)
        producer = SteadyProducer(bootstrap, iter(workload), PER_SECOND)
        producer.start()
        try:
            back = {f"{service}{word}": _kill(service, word, say) for word in ("", " at once") for service in SERVICES}
        finally:
            producer.stop()
        began = time.monotonic()
        unquiet = verifier.wait_quiet(QUIET_SECONDS)
        quiet = round(time.monotonic() - began, 1)
        found = verifier.findings(producer.places())
    wrong = {kind: len(sentences) for kind, sentences in found.wrong.items()}
    return {
        "back_seconds": back,
        "events": found.expected.events,
        "documents": len(found.expected.texts),
        "poison": len(found.expected.poison),
        "quiet_seconds": quiet,
        "wrong": wrong | {"unquiet": len(unquiet), "refused": len(producer.refused)},
        "evidence": {kind: sentences[:5] for kind, sentences in found.wrong.items() if sentences}
        | {"unquiet": unquiet},
    }


def _kill(service: str, word: str, say: Say) -> float:
    gone = {pod["metadata"]["name"] for pod in kube.pods(service)}
    began = time.monotonic()
    kube.kubectl("delete", "pod", *gone, *(AT_ONCE if word else ()), "--wait=false")

    def is_back() -> bool:
        return not gone & {pod["metadata"]["name"] for pod in kube.pods(service)} and kube.ready()[service]

    kube.wait_until(is_back, BACK_SECONDS, f"{service}'s return")
    seconds = round(time.monotonic() - began, 1)
    say(f"{service} deleted{word}, and back after {seconds} s")
    return seconds
