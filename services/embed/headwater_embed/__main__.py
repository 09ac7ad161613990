"""`python -m headwater_embed`."""

from headwater_kit.runtime import run

from headwater_embed.bootstrap import build
from headwater_embed.settings import Settings

if __name__ == "__main__":
    run(Settings, build)
