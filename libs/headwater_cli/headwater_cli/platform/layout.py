"""Where a platform keeps what in its data folder."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import platformdirs


def default_data_dir() -> Path:
    """The data folder of a user who names none."""
    return platformdirs.user_data_path("headwater", appauthor=False)


def cache_dir() -> Path:
    """What can be had again: jars and weights; shared by all platforms of a user."""
    return platformdirs.user_cache_path("headwater", appauthor=False)


def tools_dir() -> Path:
    """Where `make tools` puts the programs that it builds."""
    return cache_dir() / "tools"


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths under one data folder."""

    root: Path

    def command(self, words: str) -> str:
        """How to say `headwater WORDS` about this folder."""
        where = "" if self.root == default_data_dir() else f" --data-dir {shlex.quote(str(self.root))}"
        return f"headwater{where} {words}"

    @property
    def state_file(self) -> Path:
        """The platform's state, read by every other command."""
        return self.root / "platform.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor for as long as it lives."""
        return self.root / "platform.lock"

    @property
    def supervisor_log(self) -> Path:
        """What a detached supervisor prints."""
        return self.log("supervisor")

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.root / "logs" / f"{name}.log"

    def data(self, name: str) -> Path:
        """What one process keeps between runs."""
        return self.root / name
