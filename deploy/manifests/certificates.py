"""A certificate for each service, by cert-manager, and where its pod finds it."""

from manifests.documents import Resource, as_yaml
from manifests.services import CANARY, SERVICES

ISSUER = "headwater"
HOURS, RENEW_HOURS = 24 * 90, 24 * 30


def certificates() -> str:
    """The file of certificates: of each service for its name, and to show when it calls."""
    return as_yaml("A certificate a service, to be called and to call by.", map(_certificate, (*SERVICES, CANARY)))


def volumes() -> str:
    """The file of patches that mount them."""
    return as_yaml("Each pod has its own certificate.", map(_mounted, SERVICES))


def _certificate(service: str) -> Resource:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": service},
        "spec": {
            "secretName": f"{service}-tls",
            # The name that callers call it by.
            "dnsNames": [service],
            "duration": f"{HOURS}h",
            "renewBefore": f"{RENEW_HOURS}h",
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "usages": ["digital signature", "server auth", "client auth"],
            "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": ISSUER},
        },
    }


def _mounted(service: str) -> Resource:
    volume = {"name": "tls", "secret": {"secretName": f"{service}-tls"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service},
        "spec": {"template": {"spec": {"volumes": [volume]}}},
    }
