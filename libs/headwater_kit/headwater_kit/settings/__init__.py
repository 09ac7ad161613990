"""Environment to typed settings, once, at the edge."""

from headwater_kit.settings.admission import KafkaTenantSettings
from headwater_kit.settings.base import CallerSettings, ServiceSettings, Settings
from headwater_kit.settings.beside import BesideSettings
from headwater_kit.settings.load import SettingsError, load
from headwater_kit.settings.milvus import MilvusSettings
from headwater_kit.settings.models import ModelKeySettings, ModelSigningSettings
from headwater_kit.settings.ports import peer
from headwater_kit.settings.pseudonyms import PseudonymSettings
from headwater_kit.settings.tenants import TenantSettings

__all__ = [
    "BesideSettings",
    "CallerSettings",
    "KafkaTenantSettings",
    "MilvusSettings",
    "ModelKeySettings",
    "ModelSigningSettings",
    "PseudonymSettings",
    "ServiceSettings",
    "Settings",
    "SettingsError",
    "TenantSettings",
    "load",
    "peer",
]
