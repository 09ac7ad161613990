"""Prints what an image is made of as CycloneDX: its Python packages, the broker's jars, the models' files.

`python sbom.py IMAGE FOLDER`, FOLDER being what the image has in /opt/headwater. What the base image brings is not
in it. The same content gives the same text.
"""

import hashlib
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

HEADWATER = uuid.uuid5(uuid.NAMESPACE_DNS, "headwater")


def components(folder: Path) -> Iterator[Component]:
    """All of a folder."""
    for site in folder.glob("lib/python3*/site-packages"):
        for package in sorted(distributions(path=[str(site)]), key=lambda package: package.name):
            yield _package(package)
    for jar in sorted(folder.glob("jars/**/*.jar")):
        version, artifact, *group = jar.relative_to(folder / "jars").parts[-2::-1]
        name = ".".join(reversed(group))
        yield _file(jar, ComponentType.LIBRARY, artifact, version, PackageURL("maven", name, artifact, version))
    for file in sorted(folder.glob("models/*/*")):
        yield _file(file, ComponentType.MACHINE_LEARNING_MODEL, f"{file.parent.name}/{file.name}")


def _package(package: Distribution) -> Component:
    said = package.metadata.get("License-Expression") or package.metadata.get("License") or ""
    # Some have the whole text there.
    licences = [LicenseFactory().make_from_string(said)] if said and "\n" not in said else []
    url = PackageURL("pypi", name=package.name.lower().replace("_", "-"), version=package.version)
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=url.to_string(),
        licenses=licences,
    )


def _file(
    path: Path, kind: ComponentType, name: str, version: str | None = None, purl: PackageURL | None = None
) -> Component:
    sha256 = HashType(alg=HashAlgorithm.SHA_256, content=hashlib.sha256(path.read_bytes()).hexdigest())
    return Component(name=name, version=version, type=kind, purl=purl, bom_ref=str(purl or name), hashes=[sha256])


def main(image: str, folder: Path) -> None:
    """Prints to standard output."""
    found = sorted(components(folder), key=lambda component: str(component.bom_ref.value))
    bom = Bom(components=found, serial_number=uuid.uuid5(HEADWATER, "\n".join(map(repr, found))))
    bom.metadata.component = Component(name=f"headwater-{image}", type=ComponentType.CONTAINER, bom_ref=image)
    bom.metadata.timestamp = datetime.fromtimestamp(0, UTC)
    sys.stdout.write(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
