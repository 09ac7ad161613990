"""`PYTHONPATH=deploy python -m manifests`, as `make manifests` does."""

from manifests.files import write

write()
