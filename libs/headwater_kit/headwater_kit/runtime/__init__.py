"""A service's life: start, readiness, drain."""

from headwater_kit.runtime.access import Access, identity_of, open_access
from headwater_kit.runtime.component import Background, Component
from headwater_kit.runtime.process import run
from headwater_kit.runtime.resource import Resource
from headwater_kit.runtime.service import Service

__all__ = [
    "Access",
    "Background",
    "Component",
    "Resource",
    "Service",
    "identity_of",
    "open_access",
    "run",
]
