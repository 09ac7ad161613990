"""Every file that is made, and how."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from manifests import certificates, gateway, kafka, network, rollouts, scaling, settings
from manifests.services import CANARY, SERVICES

K8S = Path(__file__).parents[1] / "k8s"
BASE, COMPONENTS = K8S / "base", K8S / "components"

FILES: Mapping[Path, Callable[[], str]] = {
    BASE / "settings/defaults.env": settings.defaults,
    BASE / "settings/secret.env": settings.secrets,
    **{BASE / service / "network.yaml": partial(network.policy_of, service) for service in SERVICES},
    COMPONENTS / CANARY / CANARY / "network.yaml": partial(network.policy_of, CANARY),
    COMPONENTS / "strimzi/topics.yaml": kafka.topics,
    COMPONENTS / "strimzi/users.yaml": kafka.users,
    COMPONENTS / "strimzi/credentials.yaml": kafka.credentials,
    COMPONENTS / "autoscaling/scaledobjects.yaml": scaling.scaled_objects,
    COMPONENTS / "autoscaling/credentials.yaml": scaling.authentications,
    COMPONENTS / "rollouts/analysis.yaml": rollouts.analysis,
    COMPONENTS / "mtls/certificates.yaml": certificates.certificates,
    COMPONENTS / "mtls/volumes.yaml": certificates.volumes,
    COMPONENTS / "gateway/route.yaml": gateway.route,
    COMPONENTS / "gateway/network.yaml": gateway.policies,
}


def write() -> None:
    """Writes all of them."""
    for file, content in FILES.items():
        file.write_text(content(), encoding="utf-8")


def stale() -> list[str]:
    """Those that are not as they would be written, from deploy/k8s."""
    return [str(file.relative_to(K8S)) for file, content in FILES.items() if _read(file) != content()]


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None
