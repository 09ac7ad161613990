"""`gold.v1` and `forgets.v1` as `bus.table`s apply them."""

from headwater_kit.bus.ports import Record
from headwater_kit.codec.events import decode
from headwater_kit.core.impressions import UserForgotten
from headwater_kit.core.learning import GoldQuestion

from headwater_feedback.handlers.conditions import Conditions


class GoldRecords:
    """Keeps the gold questions as `gold.v1` says."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def apply(self, record: Record) -> None:
        """Takes a record in; a null value withdraws. Raises InvalidInput."""
        if record.key is not None:
            question = decode(GoldQuestion, record.value) if record.value is not None else None
            self._conditions.put_gold(record.key, question)


class ForgottenRecords:
    """Keeps the users who are forgotten as `forgets.v1` says."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def apply(self, record: Record) -> None:
        """Takes a record in; a null value says no more than that its tenant was erased. Raises InvalidInput."""
        if record.value is not None:
            self._conditions.forget(decode(UserForgotten, record.value))
