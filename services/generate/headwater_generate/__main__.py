"""Runs the generate service: `python -m headwater_generate`."""

from headwater_kit.runtime import run

from headwater_generate.bootstrap import build
from headwater_generate.settings import Settings

run(Settings, build)
