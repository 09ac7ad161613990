"""The `headwater` command: its global options, its table of commands, its one-line errors."""

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from itertools import islice, takewhile
from pathlib import Path
from typing import Annotated

import typer
from headwater_kit.core.errors import HeadwaterError, Unavailable
from headwater_kit.settings import load
from rich.console import Console
from rich.markup import escape

from headwater_cli.invocation import Invocation
from headwater_cli.platform.layout import Layout, default_data_dir
from headwater_cli.settings import PlatformSettings

# In the order of the help text. Each is the function of that name in the
# module of that name in `commands`, imported when it is called; a group of
# verbs is an application of its own there.
COMMANDS = (
    "up",
    "ingest",
    "ask",
    "search",
    "trace",
    "feedback",
    "forget",
    "delete",
    "watch",
    "status",
    "dead-letters",
    "audit",
    "tenants",
    "reconcile",
    "rebuild",
    "models",
    "gold",
    "review",
    "learning",
    "train",
    "reindex",
    "eval",
    "auth",
    "logs",
    "doctor",
    "demo",
    "down",
)

_FLAGS = ("--debug",)
_OPTIONS = ("--data-dir",)
_INTERRUPTED = 130

# What a message begins with that is the transport's, and the service in it (kit, rpc.status).
_CALL = re.compile(r"/?headwater\.(\w+)\.v\d+\.")
# What a message holds that is the Kafka client's (kit, bus.kafka.faults).
_KAFKA_CODE = re.compile(r"\(_?[A-Z]+(_[A-Z]+)+\)|\(_[A-Z]+\)")
# How a message begins to say what to do.
_HINT = "`headwater "


def main() -> None:
    """Runs the command line; exits with 0, 1 for a failure, 2 for wrong usage, 130 when interrupted."""
    arguments = global_first(sys.argv[1:])
    try:
        build(arguments)(arguments)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if asks_to_debug(arguments):
            raise
        _print_error(error)
        sys.exit(1)


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application with the command that `arguments` call, or with all of them for help.

    The global options come first in `arguments`, as `global_first` puts them.
    """
    app = typer.Typer(
        help="Live data to cited answers: the platform on this laptop, and what one does with it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    called = called_command(arguments)
    for name in (called,) if called in COMMANDS else COMMANDS:
        _add(app, name)
    return app


def _add(app: typer.Typer, name: str) -> None:
    word = name.replace("-", "_")
    found = getattr(import_module(f"headwater_cli.commands.{word}"), word)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=name)
    else:
        app.command(name)(found)


def global_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options in front, so that they may be given after the command too."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in _OPTIONS:
            front += [word, *islice(words, 1)]
        elif word in _FLAGS or word.startswith(tuple(f"{name}=" for name in _OPTIONS)):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def called_command(arguments: Sequence[str]) -> str | None:
    """The first word that is neither an option nor an option's value; a later one may be a document or a question."""
    words = iter(arguments)
    for word in words:
        if word in _OPTIONS:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


def asks_to_debug(arguments: Sequence[str]) -> bool:
    """Whether --debug is among the options, and not a word that is asked or searched for."""
    return "--debug" in list(takewhile(lambda word: word != "--", arguments))


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headwater {version('headwater-cli')}")
        raise typer.Exit


def _global_options(
    ctx: typer.Context,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the platform's data.", envvar="HEADWATER_DATA_DIR", show_envvar=True)
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    root = (data_dir or default_data_dir()).expanduser().absolute()
    ctx.obj = Invocation(Layout(root), load(PlatformSettings), debug)


def _print_error(error: Exception) -> None:
    message = _expected(error) if isinstance(error, HeadwaterError) else _unexpected(error)
    Console(stderr=True).print(f"[red]headwater:[/red] {escape(message)}", highlight=False, soft_wrap=True)


def _expected(error: HeadwaterError) -> str:
    """The message, or for what is away, and is told of in a client's own words, who that is and what to do."""
    if not isinstance(error, Unavailable) or _HINT in error.message:
        return error.message
    call = _CALL.match(error.message)
    if call is None and _KAFKA_CODE.search(error.message) is None:
        return f"{error.message}: see {_HINT}status`, try again"
    return f"{call[1] if call else 'the broker'} does not answer: see {_HINT}status`, try again"


def _unexpected(error: Exception) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError):
        return f"{said}: correct that and try again"
    return f"a defect, {type(error).__name__}: {said}; run again with --debug and report what it shows"
