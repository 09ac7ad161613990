"""Runs the feedback service: `python -m headwater_feedback`."""

from headwater_kit.runtime import run

from headwater_feedback.bootstrap import build
from headwater_feedback.settings import Settings

run(Settings, build)
