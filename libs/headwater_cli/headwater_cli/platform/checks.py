"""What the platform needs of this machine, and what to do where it is missing."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from headwater_kit.core.errors import HeadwaterError
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS

from headwater_cli.platform import engines, jars, kafka, milvus, probes, state
from headwater_cli.platform.broker import bus
from headwater_cli.platform.health import fault_of
from headwater_cli.platform.java import find_java
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.ports import is_free
from headwater_cli.platform.state import PlatformState
from headwater_cli.settings import PlatformSettings

MIN_PYTHON = (3, 11)
# Jars, weights and an index of a few hundred documents; Kafka stops when its disk is full.
MIN_FREE_BYTES = 2 * 1024**3
_PING_SECONDS = 5.0
_USUAL_PORTS = {
    "kafka": kafka.USUAL_PORT,
    "milvus": milvus.USUAL_PORT,
    **GRPC_PORTS,
    **{f"{name} metrics": port for name, port in METRICS_PORTS.items()},
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome; `remedy` says what to do about a fault and is empty where there is none."""

    check: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is checked: the data folder, the settings, and the platform's state where it runs."""

    layout: Layout
    settings: PlatformSettings
    running: PlatformState | None

    @classmethod
    def of(cls, layout: Layout, settings: PlatformSettings) -> "Patient":
        """The patient as it is now. Raises Misconfigured for an unreadable state."""
        found = state.read(layout.state_file)
        alive = found is not None and found.supervisor.process() is not None
        return cls(layout, settings, found if alive else None)


Check = Callable[[Patient], Awaitable[Finding]]


async def examine(patient: Patient) -> Sequence[Finding]:
    """All checks, one after the other, in a few seconds."""
    return [await check(patient) for check in CHECKS]


async def _python(_: Patient) -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < MIN_PYTHON:
        return Finding("python", ok=False, detail=found, remedy="install Python 3.11 or later and headwater in it")
    return Finding("python", ok=True, detail=f"{found} at {sys.executable}")


async def _java(patient: Patient) -> Finding:
    if not patient.settings.own_broker:
        return Finding("java", ok=True, detail="not needed: an existing broker is used")
    java = find_java(patient.settings.java_home)
    return Finding("java", ok=True, detail=f"{java.version} by {java.origin} at {java.executable}")


async def _disk(patient: Patient) -> Finding:
    existing = next(path for path in (patient.layout.root, *patient.layout.root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / 1024**3:.1f} GiB free for {patient.layout.root}"
    if free < MIN_FREE_BYTES:
        return Finding("disk", ok=False, detail=detail, remedy="free some space, or use another disk with --data-dir")
    return Finding("disk", ok=True, detail=detail)


async def _ports(patient: Patient) -> Finding:
    if patient.running is not None:
        return Finding("ports", ok=True, detail="in use by the running platform")
    taken = [f"{name} {port}" for name, port in _USUAL_PORTS.items() if not is_free(port)]
    # No fault: others are chosen.
    detail = f"taken, so others will be chosen: {', '.join(taken)}" if taken else "the usual ones are free"
    return Finding("ports", ok=True, detail=detail)


async def _jars(patient: Patient) -> Finding:
    if not patient.settings.own_broker:
        return Finding("jars", ok=True, detail="not needed: an existing broker is used")
    locked = jars.locked()
    missing = jars.missing(engines.jar_cache(), locked)
    if missing:
        detail = f"{len(missing)} of {len(locked)} are not in {engines.jar_cache()} or are damaged"
        return Finding("jars", ok=False, detail=detail, remedy="run `headwater up`, which fetches them")
    return Finding("jars", ok=True, detail=f"Kafka {jars.KAFKA_VERSION}, {len(locked)} jars verified")


async def _weights(patient: Patient) -> Finding:
    store, spec = patient.settings.model_store(), patient.settings.model_spec()
    if not store.has(spec):
        detail = f"{spec.name} is not in {store.folder(spec)}"
        return Finding("weights", ok=False, detail=detail, remedy="run `headwater up`, which fetches them")
    store.ensure(spec)
    return Finding("weights", ok=True, detail=f"{spec.name} {spec.model_id} verified")


async def _broker(patient: Patient) -> Finding:
    settings, running = patient.settings, patient.running
    if settings.own_broker and running is None:
        return Finding("broker", ok=True, detail="not running; `headwater up` starts it")
    bootstrap = running.kafka_bootstrap if running is not None else settings.kafka_bootstrap
    await bus(settings, bootstrap).ping(_PING_SECONDS)
    return Finding("broker", ok=True, detail=f"answers at {bootstrap}")


async def _store(patient: Patient) -> Finding:
    settings, running = patient.settings, patient.running
    if settings.own_store and running is None:
        return Finding("store", ok=True, detail="not running; `headwater up` starts it")
    uri = running.milvus_uri if running is not None else settings.milvus_uri
    address = urlsplit(uri)
    # That something listens is all that can be told without its credentials.
    await probes.connects(f"{address.hostname}:{address.port or milvus.USUAL_PORT}", _PING_SECONDS)
    return Finding("store", ok=True, detail=f"answers at {uri}")


async def _services(patient: Patient) -> Finding:
    if patient.running is None:
        return Finding("services", ok=True, detail="not running; `headwater up` starts them")
    processes = patient.running.processes
    reasons = await asyncio.gather(*map(fault_of, processes))
    faults = [f"{process.name}: {reason}" for process, reason in zip(processes, reasons, strict=True) if reason]
    if faults:
        detail = f"not serving: {'; '.join(faults)}"
        remedy = "see `headwater status` and `headwater dead-letters list`; docs/delivery.md says what to do"
        return Finding("services", ok=False, detail=detail, remedy=remedy)
    return Finding("services", ok=True, detail="serving")


def _answering(name: str, remedy: str, check: Check) -> Check:
    """The check with the errors it may raise turned into a finding."""

    async def checked(patient: Patient) -> Finding:
        try:
            return await check(patient)
        except HeadwaterError as error:
            return Finding(name, ok=False, detail=error.message, remedy=remedy)

    return checked


CHECKS: Sequence[Check] = (
    _python,
    _answering("java", "unset JAVA_HOME, or point it to Java 17 or later", _java),
    _disk,
    _ports,
    _jars,
    _answering("weights", "delete the file that is named, then run `headwater up`", _weights),
    _answering("broker", "see `headwater logs kafka`, or correct HEADWATER_KAFKA_BOOTSTRAP", _broker),
    _answering("store", "see `headwater logs milvus`, or correct HEADWATER_MILVUS_URI", _store),
    _services,
)
