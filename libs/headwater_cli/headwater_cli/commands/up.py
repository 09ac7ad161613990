"""`headwater up`: starts the platform."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer
from headwater_kit.core.errors import Unavailable
from rich.console import Console

from headwater_cli.commands.display import RunDisplay, StartDisplay, print_json, process_table
from headwater_cli.invocation import Invocation
from headwater_cli.platform import prometheus, state
from headwater_cli.platform.kafka import USUAL_PORT
from headwater_cli.platform.laptop import LaptopPlan
from headwater_cli.platform.layout import Layout
from headwater_cli.platform.run import run
from headwater_cli.platform.state import Phase, PlatformState

TRUST = (
    "whoever reaches these ports, which are this machine's alone, is believed to be who they say, in every role: "
    "HEADWATER_AUTH=insecure-metadata"
)
_LOOK_SECONDS = 0.1
# A supervisor stops all within ten seconds.
_STOP_SECONDS = 12.0


def up(
    ctx: typer.Context,
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return once all is ready; `down` stops it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the platform's state as JSON once it is ready.")] = False,
    model: Annotated[str, typer.Option("--model", help="Encoder of the index, in place of HEADWATER_ENCODER.")] = "",
    beside: Annotated[
        list[str] | None,
        typer.Option("--beside", help="Encoder that stands beside it, in place of HEADWATER_ENCODERS_BESIDE; repeat."),
    ] = None,
    observe: Annotated[bool, typer.Option("--observe", help="Run Prometheus beside it, with the alerts.")] = False,
) -> None:
    """Start the broker, the store and the seven services, and keep them running until Ctrl-C."""
    call = Invocation.of(ctx)
    settings = call.settings.with_encoders(model, beside or ())
    call = replace(call, settings=settings.model_copy(update={"observe": True}) if observe else settings)
    hint = call.layout.command("down") if detach else "Ctrl-C"
    announce = partial(_announce, json=json, hint=hint, note=_note(call))
    with state.exclusive(call.layout.lock_file) as held:
        if not held:
            _say_running(call.layout, json=json)
            return
        if not detach:
            _run_here(call, announce)
            return
    # The detached process takes the lock itself.
    announce(_run_detached(call))


def _run_here(call: Invocation, announce: "partial[None]") -> None:
    with StartDisplay() as start:
        display = RunDisplay(start, announce)
        asyncio.run(run(call.layout, call.settings, LaptopPlan, display.show))
    Console(stderr=True).print("stopped; the data is kept")


def _run_detached(call: Invocation) -> PlatformState:
    log = call.layout.supervisor_log
    log.parent.mkdir(parents=True, exist_ok=True)
    settings = call.settings
    command = [sys.executable, "-m", "headwater_cli", "--data-dir", str(call.layout.root), "up"]
    command += ["--model", settings.encoder, *(f"--beside={name}" for name in settings.beside)]
    command += ["--observe"] if settings.observe else []
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        return _once_ready(call.layout, process)
    except KeyboardInterrupt:
        # It has a session of its own, so the terminal's Ctrl-C reached only this process.
        process.terminate()
        process.wait(_STOP_SECONDS)
        raise


def _once_ready(layout: Layout, process: "subprocess.Popen[bytes]") -> PlatformState:
    with StartDisplay() as display:
        while process.poll() is None:
            current = state.read(layout.state_file)
            if current is not None and current.supervisor.pid == process.pid:
                display.show(current)
                if current.phase is Phase.READY:
                    return current
            time.sleep(_LOOK_SECONDS)
    raise Unavailable(_why_it_ended(layout))


def _why_it_ended(layout: Layout) -> str:
    final = state.read(layout.state_file)
    if final is not None and final.phase is Phase.FAILED:
        return final.activity
    return f"the platform ended while it started: see {layout.supervisor_log}"


def _say_running(layout: Layout, *, json: bool) -> None:
    current = state.read(layout.state_file)
    if json and current is not None:
        print_json(current)
        return
    by = f" (process {current.supervisor.pid}, {current.phase})" if current is not None else ""
    look, stop = layout.command("status"), layout.command("down")
    typer.echo(f"already running in {layout.root}{by}: see `{look}`, or stop it with `{stop}`")


def _note(call: Invocation) -> str:
    """What is to be said of what was asked for and cannot be had; empty where all can."""
    return prometheus.advice(call.layout) if call.settings.observe and prometheus.find() is None else ""


def _announce(platform: PlatformState, *, json: bool, hint: str, note: str) -> None:
    if json:
        print_json(platform)
        return
    console = Console()
    console.print(process_table(platform))
    kafka = platform.process("kafka")
    if kafka is not None and not kafka.address.endswith(f":{USUAL_PORT}"):
        console.print(f"port {USUAL_PORT} was taken: Kafka is at {kafka.address}", highlight=False)
    said = TRUST if platform.trusts else f"HEADWATER_AUTH={platform.auth}: make a key with `headwater auth create`"
    console.print(said, highlight=False, markup=False, soft_wrap=True)
    if note:
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    elif (observer := platform.process(prometheus.NAME)) is not None:
        console.print(f"Prometheus: http://{observer.address} (alerts: /alerts)", highlight=False, soft_wrap=True)
    seconds = time.time() - platform.started_at
    console.print(f"ready in {seconds:.1f} s; stop with {hint}", highlight=False, markup=False, soft_wrap=True)
