"""Environment to typed settings, once, at the edge."""

from headwater_kit.settings.base import CallerSettings, ServiceSettings, Settings
from headwater_kit.settings.load import SettingsError, load
from headwater_kit.settings.milvus import MilvusSettings
from headwater_kit.settings.ports import peer

__all__ = ["CallerSettings", "MilvusSettings", "ServiceSettings", "Settings", "SettingsError", "load", "peer"]
