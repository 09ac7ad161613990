"""What the Dockerfile puts into an image, by the script that it asks."""

import importlib.util
import sys

from architecture.house import ROOT

SPEC = importlib.util.spec_from_file_location("requirements_of", ROOT / "deploy/docker/requirements_of.py")
assert SPEC is not None
assert SPEC.loader is not None
requirements_of = importlib.util.module_from_spec(SPEC)
# Dataclasses look their module up by its name.
sys.modules[SPEC.name] = requirements_of
SPEC.loader.exec_module(requirements_of)

TOOLS = requirements_of.TOOLS
closure = requirements_of.closure
members = requirements_of.members
needed = requirements_of.needed
LOCK = requirements_of.pins((ROOT / "requirements/lock.txt").read_text())
