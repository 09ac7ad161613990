"""Resources as YAML files."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

MADE = "Made by `make manifests`; a change here is lost."
WIDTH = 120
# What holds no other list or mapping stands on one line.
LEAVES: Mapping[str, Any] = {"default_flow_style": None}
Resource = Mapping[str, Any]


class _Dumper(yaml.SafeDumper):
    """Writes a value that stands in two places twice: manifests have no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Of all data."""
        return True


def as_yaml(said: str, resources: Iterable[Resource]) -> str:
    """One file of resources; `said` is what its head says of them."""
    documents = (yaml.dump(dict(each), Dumper=_Dumper, sort_keys=False, width=WIDTH, **LEAVES) for each in resources)
    return f"# {MADE}\n# {said}\n" + "---\n".join(documents)
