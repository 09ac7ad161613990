"""`headwater learning`: what came of learning."""

import typer

from headwater_cli.commands.learning_report import report

learning = typer.Typer(help="See what came of learning.", no_args_is_help=True, name="learning")
# A callback keeps the verb a word of its own while there is only one.
learning.callback()(lambda: None)
learning.command()(report)
