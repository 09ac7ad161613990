"""`python -m headwater_cli` is `headwater`."""

from headwater_cli.main import main

main()
