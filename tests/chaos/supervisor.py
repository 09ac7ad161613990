"""The laptop platform with a proxy before its broker: `python -m chaos.supervisor ROOT UPSTREAM PROXY`.

The same supervisor, engines and services as `headwater up`. The broker listens
at one port more, UPSTREAM, under which it calls itself by the proxy's port, and
the services are told of that one alone. Each service reads `chaos.env` in ROOT
when it starts, which is how a crash point is armed for its next life.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from headwater_cli.platform import state
from headwater_cli.platform.blocking import Report
from headwater_cli.platform.laptop import LaptopPlan
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.ports import HOST, PortLeases
from headwater_cli.platform.process import Program
from headwater_cli.platform.run import run
from headwater_cli.platform.supervisor import Engines
from headwater_cli.settings import PlatformSettings

ENVIRONMENT = "chaos.env"
_WITH_ENVIRONMENT = 'set -a; [ ! -f "$0" ] || . "$0"; exec "$@"'


class ChaosPlan(LaptopPlan):
    """The laptop's plan, with the proxy between services and broker."""

    def __init__(self, layout: Layout, settings: PlatformSettings, leases: PortLeases, ports: tuple[int, int]) -> None:
        super().__init__(layout, settings, leases)
        self._root = layout.root
        self._upstream, self._proxy = ports

    async def engines(self, report: Report) -> Engines:
        """As the laptop's."""
        engines = await super().engines(report)
        self._add_listener(self._root / "kafka" / "server.properties")
        self._engines = replace(engines, kafka_bootstrap=f"{HOST}:{self._proxy}")
        return self._engines

    async def services(self, report: Report) -> Sequence[Program]:
        """As the laptop's, each reading its environment anew at each start."""
        wrapper = ("/bin/sh", "-c", _WITH_ENVIRONMENT, str(self._root / ENVIRONMENT))
        return [replace(program, argv=(*wrapper, *program.argv)) for program in await super().services(report)]

    def _add_listener(self, settings: Path) -> None:
        read = dict(line.split("=", 1) for line in settings.read_text().splitlines())
        read["listeners"] += f",PROXIED://{HOST}:{self._upstream}"
        read["advertised.listeners"] += f",PROXIED://{HOST}:{self._proxy}"
        read["listener.security.protocol.map"] += ",PROXIED:PLAINTEXT"
        settings.write_text("".join(f"{name}={value}\n" for name, value in read.items()))


def main() -> None:
    """Runs until it is told to stop."""
    root, upstream, proxy = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    layout = Layout(root)
    with state.exclusive(layout.lock_file) as held:
        if not held:
            sys.exit(f"a platform runs in {root} already")
        plan = lambda *arguments: ChaosPlan(*arguments, (upstream, proxy))  # noqa: E731
        asyncio.run(run(layout, PlatformSettings(), plan, lambda _: None))


if __name__ == "__main__":
    main()
