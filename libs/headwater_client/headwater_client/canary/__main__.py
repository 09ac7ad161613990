"""Runs the canary: `python -m headwater_client.canary`."""

from headwater_kit.runtime import run

from headwater_client.canary.bootstrap import build
from headwater_client.canary.settings import Settings

if __name__ == "__main__":
    run(Settings, build, module="headwater_client.canary", distribution="headwater-client")
