"""Adapters by name."""

from headwater_kit.plugins.registry import Registry

__all__ = ["Registry"]
