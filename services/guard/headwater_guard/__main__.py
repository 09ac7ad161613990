"""Runs the guard service: `python -m headwater_guard`."""

from headwater_kit.runtime import run

from headwater_guard.bootstrap import build
from headwater_guard.settings import Settings

run(Settings, build)
