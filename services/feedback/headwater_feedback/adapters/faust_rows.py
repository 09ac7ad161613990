"""Join states' rows in a Faust table, which recovers them from their changelog."""

from collections.abc import Mapping
from typing import Any, cast

import faust
from faust.types import TP
from headwater_kit.bus.partitioning import partition_of
from headwater_kit.core.errors import Unavailable

from headwater_feedback.adapters.join_rows import SHOWN


class FaustRows:
    """`join_rows.Rows` in a table in memory and its compacted changelog.

    The rows of a record key lie in its partition. They are written past Faust's
    own `table[key] = …`, which cannot be waited for: what is committed while the
    changelog is still on its way is lost with the process.
    """

    def __init__(self, app: faust.App, name: str, partitions: int) -> None:
        self._app = app
        self._partitions = partitions
        self._table: Any = app.Table(name, partitions=partitions, value_type=bytes)

    @property
    def values(self) -> Mapping[str, bytes]:
        """See `join_rows.Rows`."""
        return cast(Mapping[str, bytes], self._table.data)

    def forget_others(self) -> None:
        """Lets go the rows that are another process's now; call it after a rebalance.

        Faust does so with those alone that it recovered itself, and one that
        outlives here what it was there would come back with its partition.
        """
        for key in [key for key in self.values if not self.owns(key.removesuffix(SHOWN))]:
            self._table.data.pop(key, None)

    def owns(self, record_key: str) -> bool:
        """See `join_rows.Rows`."""
        place = TP(self._table.changelog_topic_name, self._partition(record_key))
        return place in self._app.assignor.assigned_actives()

    async def write(self, key: str, value: bytes | None, record_key: str) -> None:
        """See `join_rows.Rows`. Raises Unavailable."""
        try:
            await self._table.send_changelog(self._partition(record_key), key, value, value_serializer="raw")
        except Exception as error:  # of Faust or its client: nothing was done, whatever it is
            raise Unavailable(f"the changelog cannot be written: {error}") from error
        if value is None:
            self._table.data.pop(key, None)
        else:
            self._table.data[key] = value

    def _partition(self, record_key: str) -> int:
        return partition_of(record_key.encode(), self._partitions)
