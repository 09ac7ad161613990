"""One engine of the laptop in the foreground, as a container runs it: `python -m headwater_cli.platform.alone --help`.

It listens for other pods, without any security, so behind a network policy. Its
log goes to standard output; SIGINT stops it cleanly.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from headwater_kit.core.errors import HeadwaterError

from headwater_cli.platform import jars, kafka, milvus
from headwater_cli.platform.java import find_java
from headwater_cli.platform.ports import HOST
from headwater_cli.platform.process import Program

EVERYWHERE = "0.0.0.0"  # noqa: S104 - a pod's interfaces are its own
# For clients that reach the broker through a tunnel, such as `kubectl port-forward`: told to come to loopback again.
TUNNEL_PORT = 19092


def main(arguments: Sequence[str] | None = None) -> None:
    """Becomes the engine; with `fetch` returns once the jars are there. Exits with 2 and a line where it cannot."""
    given = _parsed(arguments)
    try:
        if given.engine == "fetch":
            jars.resolve(given.jars, jars.locked())
            return
        program = _kafka(given) if given.engine == "kafka" else _milvus(given)
    except HeadwaterError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(2)
    os.execv(program.argv[0], [*program.argv])  # noqa: S606 - this process becomes it, and gets its signals


def listeners(address: str) -> Mapping[str, str | int]:
    """A broker's settings that have it listen for clients at `host:port` from elsewhere, and for those of a tunnel."""
    port = int(address.rpartition(":")[2])
    here = {"PLAINTEXT": (EVERYWHERE, port), "TUNNEL": (EVERYWHERE, TUNNEL_PORT)}
    bound = [f"{name}://{host}:{at}" for name, (host, at) in here.items()]
    return {
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,TUNNEL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listeners": ",".join([*bound, f"CONTROLLER://{HOST}:{kafka.USUAL_CONTROLLER_PORT}"]),
        "advertised.listeners": f"PLAINTEXT://{address},TUNNEL://{HOST}:{TUNNEL_PORT}",
    }


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="headwater_cli.platform.alone", description=__doc__)
    parser.add_argument("engine", choices=("kafka", "milvus", "fetch"), help="fetch gets the broker's jars and ends")
    parser.add_argument("--data", type=Path, default=Path("/data"), help="folder of the engine's data")
    parser.add_argument("--jars", type=Path, default=Path("/opt/headwater/jars"), help="Maven repository of the jars")
    parser.add_argument("--address", default="kafka:9092", help="host:port that the broker tells its clients")
    return parser.parse_args(arguments)


def _kafka(given: argparse.Namespace) -> Program:
    port = int(given.address.rpartition(":")[2])
    log = given.data / "format.log"
    node = kafka.KafkaNode(given.data / "kafka", port, kafka.USUAL_CONTROLLER_PORT, log, listeners(given.address))
    return kafka.kafka_program(node, find_java(None), jars.resolve(given.jars, jars.locked()))


def _milvus(given: argparse.Namespace) -> Program:
    return milvus.milvus_program(given.data / "milvus", milvus.USUAL_PORT, given.data / "milvus.log", EVERYWHERE)


if __name__ == "__main__":
    main()
