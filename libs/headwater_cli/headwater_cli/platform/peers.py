"""The keys of one platform: by which its services know each other, where it asks for credentials, and by which they
know the models that it learned. Made when first needed.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from headwater_kit.auth.peer_keys import read_private_key

from headwater_cli.platform.layout import Layout
from headwater_cli.platform.secrets import kept


def peer_env(layout: Layout, services: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """By service, the settings that name its own key and the folder of all public ones."""
    folder = layout.data("peers")
    folder.mkdir(parents=True, exist_ok=True)
    # What is left of a service that is there no more must not speak for anybody.
    for old in folder.glob("*.pem"):
        old.unlink()
    return {
        service: {"HEADWATER_PEER_KEY": str(_key(layout, folder, service)), "HEADWATER_PEER_KEYS": str(folder)}
        for service in services
    }


def model_env(layout: Layout) -> Mapping[str, Mapping[str, str]]:
    """By service, the settings that name the key by which feedback signs what it learned, and the public ones."""
    folder = layout.data("models-signed-by")
    folder.mkdir(parents=True, exist_ok=True)
    private = _key(layout, folder, "feedback", "model.key")
    reading = {"HEADWATER_MODEL_KEYS": str(folder)}
    return {"feedback": {"HEADWATER_MODEL_KEY": str(private), **reading}, "retrieve": reading, "generate": reading}


def _key(layout: Layout, folder: Path, service: str, name: str = "peer.key") -> Path:
    """The service's private key, made where there is none; its public one is put into the folder."""
    path = layout.data(service) / name
    kept(path, lambda: Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = read_private_key(path).public_key()
    (folder / f"{service}.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return path
