"""What makes the manifests is a package of its own: its folder is on the path when it runs, and here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "deploy"))
