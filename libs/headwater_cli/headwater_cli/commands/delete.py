"""`headwater delete`: a document out of the index."""

from pathlib import Path
from typing import Annotated

import typer
from headwater_kit.core.errors import NotFound
from rich.progress import Progress

from headwater_cli.commands.connect import TENANT, Json, Tenant, User, connected
from headwater_cli.commands.ingest import wait_searchable
from headwater_cli.commands.output import echo_json


def delete(
    ctx: typer.Context,
    document_id: Annotated[str, typer.Argument(help="The document's id, or the path that it was ingested from.")],
    *,
    tenant: Tenant = TENANT,
    user: User = "",
    json: Json = False,
) -> None:
    """Delete a document; returns once searches no longer find it."""
    with connected(ctx, tenant, user) as client:
        try:
            found = client.get(document_id)
        except NotFound:
            found = client.get(Path(document_id).absolute().as_posix())
        if found.deleted:
            raise NotFound(f"{found.document_id} is deleted already")
        position = client.delete(found.document_id)
        # Not by a search of its own, which would leave an impression that nobody saw.
        wait_searchable(client, [position], Progress(disable=True))
    if json:
        echo_json({"document_id": found.document_id, "partition": position.partition, "offset": position.offset})
    else:
        typer.echo(f"deleted {found.document_id}")
