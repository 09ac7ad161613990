"""What a collection beside the one that is served is called."""

import hashlib
import re

from headwater_kit.core.errors import Misconfigured

_LABEL = re.compile(r"[a-z0-9_]{1,40}")


def shadow_alias(alias: str, label: str) -> str:
    """The alias of a shadow, by the alias of what it may take the place of. Raises Misconfigured for a bad label."""
    if not _LABEL.fullmatch(label):
        raise Misconfigured(f"a label has 1 to 40 of a-z, 0-9 and _, not {label!r}")
    return f"{alias}_{label}"


def companion_alias(alias: str, encoder: str) -> str:
    """The alias of the collection that another encoder has beside the served one, whatever that encoder is called.

    It is the head of a family of its own: neither is taken for a shadow of the other.
    """
    return f"{alias}beside{hashlib.blake2b(encoder.encode(), digest_size=4).hexdigest()}"
