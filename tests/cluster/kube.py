"""The cluster of the current kube context, by `kubectl`."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

NAMESPACE = "headwater"
ASK_SECONDS = 60.0
LOOK_SECONDS = 0.2
HOST = "127.0.0.1"
# How the names of contexts begin whose clusters are there to be tried.
LOCAL = ("kind-", "minikube", "k3d-", "docker-desktop")


def missing() -> str:
    """Why no cluster can be tried here, in a line; empty where one can."""
    for tool in ("kubectl", "docker"):
        if shutil.which(tool) is None:
            return f"{tool} is not on the PATH"
    asked = subprocess.run(
        ["kubectl", "get", "--raw", "/readyz", "--request-timeout=5s"], capture_output=True, text=True, check=False
    )
    if asked.returncode == 0:
        name = context()
        return "" if name.startswith(LOCAL) else f"{name} is no cluster of this machine: its namespace would be deleted"
    return f"no cluster answers by the current kube context: {(asked.stderr.strip().splitlines() or ['?'])[-1]}"


def context() -> str:
    """The current context's name."""
    asked = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def kubectl(*arguments: str, text: str | None = None, seconds: float = ASK_SECONDS) -> str:
    """What it prints, of our namespace. Raises RuntimeError, or TimeoutExpired."""
    command = ["kubectl", "-n", NAMESPACE, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=seconds)
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def apply(*resources: Mapping[str, Any]) -> None:
    """Creates or changes them."""
    kubectl("apply", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": resources}))


def get(*arguments: str) -> dict[str, Any]:
    """A resource, or a list of them."""
    return dict(json.loads(kubectl("get", *arguments, "-o", "json")))


def ready() -> dict[str, bool]:
    """Each deployment: whether all its pods are of its newest kind and can be used."""
    return {each["metadata"]["name"]: _is_ready(each) for each in get("deployments")["items"]}


def _is_ready(deployment: Mapping[str, Any]) -> bool:
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    is_seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return is_seen and {status.get(f"{kind}eplicas", 0) for kind in ("r", "updatedR", "readyR")} == {wanted}


def pods(name: str) -> list[dict[str, Any]]:
    """The pods of that name."""
    return list(get("pods", "-l", f"app.kubernetes.io/name={name}")["items"])


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> float:
    """Seconds until it held. Raises TimeoutError."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - started


@contextmanager
def tunnel(service: str, port: int, local: int) -> Iterator[str]:
    """`host:port` of this machine that leads to the service while entered."""
    command = ["kubectl", "-n", NAMESPACE, "port-forward", f"service/{service}", f"{local}:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: _answers(local) or process.poll() is not None, ASK_SECONDS, f"a tunnel to {service}")
        if process.poll() is not None:
            raise RuntimeError(f"no tunnel to {service}: {process.stderr.read() if process.stderr else ''}")
        yield f"{HOST}:{local}"
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1.0)
        return tried.connect_ex((HOST, port)) == 0


@contextmanager
def logs(pod: str) -> Iterator[list[str]]:
    """What the pod prints while entered, complete afterwards."""
    lines: list[str] = []
    # A file, which takes all that is printed; a pipe that nobody reads would fill up and hold the pod's log back.
    with tempfile.TemporaryFile("w+") as printed:
        follow = subprocess.Popen(
            ["kubectl", "-n", NAMESPACE, "logs", "-f", pod], stdout=printed, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield lines
        finally:
            kubectl("delete", "pod", pod, "--grace-period=5", "--wait=true")
            follow.wait(timeout=ASK_SECONDS)
            printed.seek(0)
            lines += printed.read().splitlines()
