"""Which documents, as an option."""

from typing import Annotated

import typer

DocumentFilter = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="TEXT",
        help='Which documents, by metadata, such as: year >= 2020 and lang in ("de", "fr") and not exists(draft).',
    ),
]
