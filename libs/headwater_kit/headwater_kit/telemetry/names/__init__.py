"""Every span, metric and attribute, declared once; nothing else spells one."""

from headwater_kit.telemetry.names.attributes import *  # noqa: F403 - the declarations are the module's content
from headwater_kit.telemetry.names.kinds import *  # noqa: F403
from headwater_kit.telemetry.names.metrics import *  # noqa: F403
from headwater_kit.telemetry.names.spans import *  # noqa: F403
