"""`python -m headwater_ingest`."""

from headwater_kit.runtime import run

from headwater_ingest.bootstrap import build
from headwater_ingest.settings import Settings

if __name__ == "__main__":
    run(Settings, build)
