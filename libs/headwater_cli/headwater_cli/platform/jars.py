"""The broker's jars: named by Maven coordinates, fetched by jgo, told by their sha256.

`jars.lock` lists every jar with its checksum; nothing else is put on the
broker's class path, and no dependency is resolved at run time. To make it
anew: `python -m headwater_cli.platform.jars > jars.lock`.
"""

import fcntl
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jgo
from headwater_kit.core.errors import Misconfigured, Unavailable
from jgo.config import GlobalSettings
from jgo.constants import default_maven_repo
from jgo.maven import MavenContext

KAFKA_VERSION = "4.3.1"
_KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# Kafka brings log4j, but not what leads SLF4J there; without it the broker
# logs nothing. Resolved apart: together jgo moves the versions of Jackson.
_LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
# Enough to hide latency, few enough to be a polite client.
_PARALLEL_DOWNLOADS = 4
_TIMEOUT_SECONDS = 30

# Is told how many of how many jars are there.
Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Shows no progress."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar: its `group:artifact:version` and the sha256 of its bytes, in hex."""

    coordinate: str
    sha256: str


def locked() -> tuple[Jar, ...]:
    """The jars that the broker runs from."""
    lines = files("headwater_cli.platform").joinpath("jars.lock").read_text().splitlines()
    return tuple(Jar(*line.split()) for line in lines if line)


def resolve(cache: Path, jars: Sequence[Jar], progress: Progress = silent) -> tuple[Path, ...]:
    """The verified paths of `jars`, fetched into `cache` (a Maven repository) where they are missing.

    Every jar's sha256 is compared at every call. `progress` is told how many
    of how many are there. Waits while another process fetches. Raises Unavailable when a jar cannot be fetched and
    Misconfigured when a fetched one has another checksum.
    """
    own, shared = _context(cache, []), _context(cache, [default_maven_repo()])
    paths = []
    alone = _alone(cache) if missing(cache, jars) else nullcontext()
    with alone, ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
        for path in pool.map(lambda jar: _verified(jar, own, shared), jars):
            paths.append(path)
            progress(len(paths), len(jars))
    return tuple(paths)


def missing(cache: Path, jars: Iterable[Jar]) -> tuple[Jar, ...]:
    """Those that are neither in `cache` nor in the user's Maven repository with the right checksum; fetches nothing."""
    places = (_context(cache, []), MavenContext(repo_cache=default_maven_repo()))
    return tuple(jar for jar in jars if not any(_matches(_cached(jar, place), jar) for place in places))


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """While entered, nobody else fetches: to them a download under way is a bad jar. A lock dies with its process."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _context(cache: Path, local: list[Path]) -> MavenContext:
    # Mirrors are the user's, from jgo's own configuration; without one, jgo's default.
    mirrors = GlobalSettings.load().repositories or None
    return MavenContext(repo_cache=cache, local_repos=local, remote_repos=mirrors, timeout=_TIMEOUT_SECONDS)


def _verified(jar: Jar, own: MavenContext, shared: MavenContext) -> Path:
    path = _fetch(jar, shared)
    if _matches(path, jar):
        return path
    # A download that was cut short, or a stray file in the user's Maven
    # repository: take ours away, leave the user's alone, and fetch once more.
    _cached(jar, own).unlink(missing_ok=True)
    path = _fetch(jar, own)
    if _matches(path, jar):
        return path
    path.unlink()
    raise Misconfigured(
        f"{jar.coordinate} does not have the listed sha256: a mirror or proxy serves another file; ask who runs it"
    )


def _fetch(jar: Jar, context: MavenContext) -> Path:
    try:
        return Path(_artifact(jar, context).resolve())
    # jgo raises RuntimeError for all that a repository answers, and lets the
    # transport's errors, which are OSError, through.
    except (RuntimeError, OSError) as error:
        raise Unavailable(
            f"cannot fetch {jar.coordinate}: check the network (HTTPS_PROXY, jgo's configured repositories) "
            f"and try again ({type(error).__name__})"
        ) from error


def _artifact(jar: Jar, context: MavenContext) -> "jgo.maven.Artifact":
    group, artifact, version = jar.coordinate.split(":")
    return context.project(group, artifact).at_version(version).artifact()


def _cached(jar: Jar, context: MavenContext) -> Path:
    path = _artifact(jar, context).cached_path
    if path is None:
        raise Misconfigured("the jar cache has no folder: set XDG_CACHE_HOME to one that can be written")
    return Path(path)


def _matches(path: Path, jar: Jar) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == jar.sha256


def _print_lock() -> None:
    binding = _artifact(Jar(_LOG_BINDING, ""), MavenContext())
    for artifact in sorted([*jgo.resolve(_KAFKA), binding], key=str):
        digest = hashlib.sha256(Path(artifact.resolve()).read_bytes()).hexdigest()
        sys.stdout.write(f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {digest}\n")


if __name__ == "__main__":
    _print_lock()
