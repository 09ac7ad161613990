"""`headwater learning`: what came of learning."""

import typer

from headwater_cli.commands.learning_export import export
from headwater_cli.commands.learning_report import report

learning = typer.Typer(help="See what came of learning, and take it out.", no_args_is_help=True, name="learning")
learning.command()(report)
learning.command()(export)
