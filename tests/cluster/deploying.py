"""`skaffold`, part by part: each image built, all of them loaded, the pods ready."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from cluster import kube

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 420.0
BUILD_SECONDS = 1200.0

Say = Callable[[str], None]


def artifacts() -> list[dict[str, Any]]:
    """Those of skaffold.yaml."""
    return list(yaml.safe_load((ROOT / "skaffold.yaml").read_text())["build"]["artifacts"])


def await_ready(since: float) -> dict[str, float]:
    """Seconds from then until each deployment was ready, and all of them. Raises TimeoutError."""
    seconds: dict[str, float] = {}
    waiting = set(kube.ready())
    while waiting:
        for name in [name for name, is_ready in kube.ready().items() if is_ready and name in waiting]:
            waiting.discard(name)
            seconds[name] = round(time.monotonic() - since, 1)
        if waiting and time.monotonic() - since > READY_SECONDS:
            raise TimeoutError(f"not ready: {', '.join(sorted(waiting))}")
        time.sleep(kube.LOOK_SECONDS)
    return seconds | {"all ready": round(time.monotonic() - since, 1)}


class Skaffold:
    """One run of the profile; `tags` names what was built, by image."""

    def __init__(self, profile: str, say: Say) -> None:
        self.tags: dict[str, str] = {}
        self._profile = profile
        self._say = say
        self._folder = Path(tempfile.mkdtemp(prefix="headwater-cluster-"))

    def build(self) -> dict[str, Any]:
        """Seconds and bytes of each image; what the builder has in its cache takes none."""
        figures = {}
        for image in (artifact["image"] for artifact in artifacts()):
            output = self._folder / f"{image}.json"
            seconds = self._run("build", "-b", image, "--file-output", str(output))[0]
            self.tags[image] = json.loads(output.read_text())["builds"][0]["tag"]
            size = subprocess.run(
                ["docker", "image", "inspect", "-f", "{{.Size}}", self.tags[image]],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            figures[image] = {"seconds": round(seconds, 1), "mb": round(int(size) / 1e6)}
            self._say(f"{image}: {figures[image]['seconds']} s, {figures[image]['mb']} MB")
        builds = [{"imageName": image, "tag": tag} for image, tag in self.tags.items()]
        self._artifacts.write_text(json.dumps({"builds": builds}))
        return figures

    def deploy(self) -> dict[str, float]:
        """Seconds until all is loaded, and from then until all pods are ready."""
        kube.kubectl("apply", "-f", str(ROOT / "deploy/k8s/overlays/ci/namespace.yaml"))
        _, lines = self._run("deploy", "-a", str(self._artifacts), "--load-images=true", "--status-check=false")
        began, loaded = lines[0][0], max(at for at, line in lines if "Images loaded" in line)
        return {"load": round(loaded - began, 1)} | await_ready(loaded)

    def verify(self) -> list[dict[str, Any]]:
        """The steps of the smoke job. Raises RuntimeError where it fails, or did nothing."""
        if not self.tags:
            self.build()
        _, lines = self._run("verify", "-a", str(self._artifacts), "--namespace", kube.NAMESPACE)
        printed = [line[line.index("{") :] for _, line in lines if '{"step"' in line]
        if not printed:
            raise RuntimeError("the smoke job ended well and told of no step")
        return [json.loads(each) for each in printed]

    def test(self) -> float:
        """Seconds that the structure tests of all images took; below 0 without their tool. Raises RuntimeError."""
        if shutil.which("container-structure-test") is None:
            self._say("the images' structure is not tested: container-structure-test is not on the PATH")
            return -1.0
        return round(self._run("test", "-a", str(self._artifacts))[0], 1)

    @property
    def _artifacts(self) -> Path:
        return self._folder / "builds.json"

    def _run(self, *arguments: str) -> tuple[float, list[tuple[float, str]]]:
        """Seconds, and what it printed with the moment of each line."""
        began = time.monotonic()
        lines: list[tuple[float, str]] = [(began, "")]
        command = ["skaffold", arguments[0], "-p", self._profile, *arguments[1:], "--update-check=false"]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            for line in running.stdout or ():
                lines.append((time.monotonic(), line.rstrip()))
        if running.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n" + "\n".join(line for _, line in lines[-30:]))
        return time.monotonic() - began, lines
