"""Which encoders stand beside the one that is served first."""

from pydantic import Field

from headwater_kit.core.errors import Misconfigured
from headwater_kit.settings.base import Settings

# Each costs the store a search more for every search.
MAX_BESIDE = 4


class BesideSettings(Settings):
    """For embed, index and retrieve, which must agree on it.

    `class Settings(BesideSettings, ServiceSettings)`.
    """

    encoders_beside: str = Field(
        default="",
        description="models, by their names in the registry and comma separated, that embed every document beside the "
        "one that the index is by, each into a collection of its own that searches read too; the same for embed, index "
        "and retrieve. Empty: none",
    )

    @property
    def beside(self) -> tuple[str, ...]:
        """Their names, in order. Raises Misconfigured for a name that stands there twice, and for too many."""
        names = tuple(name for word in self.encoders_beside.split(",") if (name := word.strip()))
        if len(set(names)) < len(names):
            raise Misconfigured(f"HEADWATER_ENCODERS_BESIDE names {max(names, key=names.count)} twice: name it once")
        if len(names) > MAX_BESIDE:
            raise Misconfigured(f"HEADWATER_ENCODERS_BESIDE names {len(names)} models: at most {MAX_BESIDE} may stand")
        return names
