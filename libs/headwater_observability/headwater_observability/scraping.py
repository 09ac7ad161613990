"""How Prometheus is to read the services."""

from collections.abc import Mapping
from typing import Any

import yaml

JOB = "headwater"
SCRAPE_SECONDS = 5
EVALUATION_SECONDS = 15


def configuration(targets: Mapping[str, str], rule_file: str) -> dict[str, Any]:
    """Reads these services' endpoints, `host:port` by name, with the labels that the rules go by."""
    services = [{"targets": [address], "labels": {"service": name}} for name, address in targets.items()]
    return {
        "global": {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{EVALUATION_SECONDS}s"},
        "rule_files": [rule_file],
        "scrape_configs": [{"job_name": JOB, "static_configs": services}],
    }


def as_yaml(targets: Mapping[str, str], rule_file: str) -> str:
    """The same as text."""
    return yaml.safe_dump(configuration(targets, rule_file), sort_keys=False)
