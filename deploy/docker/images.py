"""Builds every image of skaffold.yaml with docker and says how large each is: `make images`.

Exits with 1 where one is over what it may be.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

MOST_MB = 450
# No service: a Java and its broker, and a store, for trying things out.
LARGER = {"headwater-engines": 900}


def build(artifact: dict[str, Any], tag: str, revision: str) -> dict[str, Any]:
    """Builds one image. Raises CalledProcessError."""
    said = artifact["docker"]
    arguments = {**said["buildArgs"], "REVISION": revision}
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    name = f"{artifact['image']}:{tag}"
    began = time.monotonic()
    docker("build", "-q", "-f", said["dockerfile"], *given, "-t", name, ".")
    seconds = round(time.monotonic() - began, 1)
    size = int(docker("image", "inspect", "-f", "{{.Size}}", name))
    return {"image": name, "seconds": seconds, "mb": round(size / 1e6), "packages": packages(name)}


def packages(name: str) -> int:
    """How many Python packages the image says it holds."""
    script = "print(open('/opt/headwater/sbom.cdx.json').read())"
    listed = docker("run", "--rm", "--network", "none", "--entrypoint", "python", name, "-c", script)
    return sum(each.get("purl", "").startswith("pkg:pypi") for each in json.loads(listed).get("components", ()))


def docker(*arguments: str) -> str:
    """What docker prints; what it says besides goes to standard error. Raises CalledProcessError."""
    command = ["docker", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Prints a table, and writes JSON where it is told to."""
    parser = argparse.ArgumentParser(prog="make images", description=__doc__)
    parser.add_argument("--only", nargs="*", help="services, or engines or models; unset: all")
    parser.add_argument("--tag", default="dev")
    parser.add_argument("--revision", default="", help="of the sources, for the label")
    parser.add_argument("--json", type=Path, help="file for the figures")
    given = parser.parse_args()
    artifacts = yaml.safe_load(Path("skaffold.yaml").read_text())["build"]["artifacts"]
    found = []
    for artifact in artifacts:
        if given.only is None or artifact["docker"]["buildArgs"]["SERVICE"] in given.only:
            found.append(build(artifact, given.tag, given.revision))
            sys.stdout.write("{image:30} {mb:5} MB {packages:4} packages {seconds:7} s\n".format(**found[-1]))
            sys.stdout.flush()
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n")
    over = [each["image"] for each in found if each["mb"] > LARGER.get(each["image"].partition(":")[0], MOST_MB)]
    if over:
        sys.exit(f"larger than they may be: {', '.join(over)}")


if __name__ == "__main__":
    main()
