"""`headwater train`: an encoder or a reranker, trained on what was exported."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

train = typer.Typer(
    help="Train an encoder or a reranker on what users made of lists; needs the extra `train` of headwater-inference.",
    no_args_is_help=True,
    name="train",
)
# Its own options go on to the process that trains.
_ANY = {"ignore_unknown_options": True, "help_option_names": []}
_Words = Annotated[list[str] | None, typer.Argument(metavar="EXPORT --base DIR --out DIR --licence ID …")]


@train.command(context_settings=_ANY, add_help_option=False)
def encoder(words: _Words = None) -> None:
    """Train an encoder, for `models add` and `reindex --model`; see its own --help."""
    _train("encoder", words)


@train.command(context_settings=_ANY, add_help_option=False)
def reranker(words: _Words = None) -> None:
    """Train a reranker, for `models add` and HEADWATER_RERANKER; see its own --help."""
    _train("reranker", words)


def _train(kind: str, words: Sequence[str] | None) -> None:
    # A process of its own: what it imports is in no process of the platform.
    command = [sys.executable, "-m", "headwater_inference.training", kind, *(words or ["--help"])]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
