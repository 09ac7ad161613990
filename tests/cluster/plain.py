"""As skaffold does it, by docker, kubectl and what loads images into the cluster: for where skaffold is not."""

import json
import re
import subprocess
import time
from typing import Any

from cluster import kube
from cluster.deploying import ROOT, Say, artifacts, await_ready

TAG = "cluster-test"
JOB_SECONDS = 200.0
# By how the name of the context begins: what puts an image into such a cluster.
LOADERS = {
    "kind-": ("kind", "load", "docker-image", "--name"),
    "minikube": ("minikube", "image", "load", "-p"),
}


class Plain:
    """One deployment of overlays/ci; `tags` names what was built, by image."""

    def __init__(self, say: Say) -> None:
        self.tags = {artifact["image"]: f"{artifact['image']}:{TAG}" for artifact in artifacts()}
        self._say = say

    def build(self) -> dict[str, Any]:
        """Seconds and megabytes of each image; what the builder has in its cache takes none."""
        figures = {}
        for artifact in artifacts():
            image, said = artifact["image"], artifact["docker"]
            arguments = [word for each in said["buildArgs"].items() for word in ("--build-arg", "=".join(each))]
            began = time.monotonic()
            _run("docker", "build", "-q", "-f", said["dockerfile"], *arguments, "-t", self.tags[image], ".")
            size = int(_run("docker", "image", "inspect", "-f", "{{.Size}}", self.tags[image]))
            figures[image] = {"seconds": round(time.monotonic() - began, 1), "mb": round(size / 1e6)}
            self._say(f"{image}: {figures[image]['seconds']} s, {figures[image]['mb']} MB")
        return figures

    def deploy(self) -> dict[str, float]:
        """Seconds until all is loaded, and from then until all pods are ready."""
        began = time.monotonic()
        context = kube.context()
        start, loader = next((s, loader) for s, loader in LOADERS.items() if context.startswith(s))
        for tag in self.tags.values():
            _run(*loader, context.removeprefix(start) or context, tag)
        loaded = time.monotonic()
        kube.kubectl("apply", "-f", "-", text=self._tagged(_run("kubectl", "kustomize", "deploy/k8s/overlays/ci")))
        return {"load": round(loaded - began, 1)} | await_ready(loaded)

    def verify(self) -> list[dict[str, Any]]:
        """The steps of the smoke job. Raises RuntimeError where it fails."""
        kube.kubectl("delete", "job", "smoke", "--ignore-not-found")
        kube.kubectl("apply", "-f", "-", text=self._tagged((ROOT / "deploy/k8s/smoke/job.yaml").read_text()))

        def is_over() -> bool:
            return bool({"succeeded", "failed"} & {k for k, v in kube.get("job", "smoke")["status"].items() if v})

        kube.wait_until(is_over, JOB_SECONDS, "the smoke job's end")
        printed = [line for line in kube.kubectl("logs", "job/smoke").splitlines() if line.startswith("{")]
        if not kube.get("job", "smoke")["status"].get("succeeded"):
            raise RuntimeError(f"the smoke job failed: {printed}")
        return [line for line in map(json.loads, printed) if "step" in line]

    def test(self) -> float:
        """Only skaffold does that; below 0."""
        self._say("the images' structure is tested by skaffold, which is not here")
        return -1.0

    def _tagged(self, manifests: str) -> str:
        pattern = re.compile(r"image: (headwater-\w+)$", re.MULTILINE)
        return pattern.sub(lambda found: f"image: {self.tags[found[1]]}", manifests)


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
    return done.stdout
