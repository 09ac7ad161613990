"""Python runs this at its start where this folder is on PYTHONPATH: plants MUTATION in the services that it is for."""

import os
import sys

if mutation := os.environ.get("MUTATION"):
    from chaos.mutations import MUTATIONS, plant

    # As `python -m headwater_ingest`; `sys.argv` does not say it yet.
    services = {argument.removeprefix("headwater_") for argument in sys.orig_argv}
    if services & MUTATIONS[mutation].services:
        plant(mutation)
