"""The seven services as programs."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from headwater_kit.core.documents import DEFAULT_TENANT
from headwater_kit.settings.ports import GRPC_PORTS, METRICS_PORTS

from headwater_cli.platform.layout import Layout
from headwater_cli.platform.ports import HOST, PortLeases
from headwater_cli.platform.probes import serves
from headwater_cli.platform.process import Program
from headwater_cli.platform.supervisor import SERVICES_STOP_SECONDS

# The rest of the time is for the process to end after it has drained.
_DRAIN_SECONDS = SERVICES_STOP_SECONDS - 1.0
# On loopback the services talk without TLS, whatever the shell's environment
# says for other uses; an empty variable counts as unset.
_PLAIN = {f"HEADWATER_{name}": "" for name in ("TLS_CERT", "TLS_KEY", "TLS_CLIENT_CA", "TLS_PEER_CA", "METRICS_TLS")}
# Whoever reaches the loopback of a laptop operates it.
_OPERATED = {"HEADWATER_INDEX_OPERATOR_TENANT": DEFAULT_TENANT}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one service listens."""

    grpc: int
    metrics: int

    @property
    def target(self) -> str:
        """The gRPC address."""
        return f"{HOST}:{self.grpc}"


def pick_ports(leases: PortLeases) -> Mapping[str, Ports]:
    """Ports for each service, the usual ones where they are free."""
    return {name: Ports(leases.pick(GRPC_PORTS[name]), leases.pick(METRICS_PORTS[name])) for name in GRPC_PORTS}


def service_programs(
    layout: Layout, ports: Mapping[str, Ports], env: Mapping[str, str], own: Mapping[str, Mapping[str, str]]
) -> tuple[Program, ...]:
    """One program a service, each told where its peers are; `env` adds what all need, `own` what one does."""
    targets = {f"HEADWATER_{name.upper()}_TARGET": chosen.target for name, chosen in ports.items()}
    return tuple(
        Program(
            name,
            (sys.executable, "-m", f"headwater_{name}"),
            chosen.target,
            layout.log(name),
            env={**_PLAIN, **_OPERATED, **targets, **env, **_own(layout, name, chosen), **own.get(name, {})},
            ready=partial(serves, chosen.target),
            metrics=f"{HOST}:{chosen.metrics}",
        )
        for name, chosen in ports.items()
    )


def _own(layout: Layout, name: str, ports: Ports) -> Mapping[str, str]:
    return {
        "HEADWATER_GRPC_HOST": HOST,
        "HEADWATER_GRPC_PORT": str(ports.grpc),
        "HEADWATER_METRICS_HOST": HOST,
        "HEADWATER_METRICS_PORT": str(ports.metrics),
        "HEADWATER_DATA_DIR": str(layout.data(name)),
        "HEADWATER_DRAIN_SECONDS": str(_DRAIN_SECONDS),
    }
