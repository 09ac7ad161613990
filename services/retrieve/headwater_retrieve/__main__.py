"""Runs the retrieve service: `python -m headwater_retrieve`."""

from headwater_kit.runtime import run

from headwater_retrieve.bootstrap import build
from headwater_retrieve.settings import Settings

run(Settings, build)
