"""Runs the index service: `python -m headwater_index`."""

from headwater_kit.runtime import run

from headwater_index.bootstrap import build
from headwater_index.settings import Settings

if __name__ == "__main__":
    run(Settings, build)
