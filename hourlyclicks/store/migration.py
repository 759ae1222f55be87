"""The migration of a store whose days take more than one transaction.

The days are copied into a new table in batches. Until the last transaction puts that table in place of the
old ones, the store is one of the older version, and processes of that version may use it. So a migration can
end at any moment, and the next one continues where it ended. Days that another process has changed after they
were copied are copied again by the last transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from hourlyclicks.errors import StoreError

BATCH = 2_000
"""Days of a transaction: other processes wait for a fraction of a second."""

OnMigration: TypeAlias = Callable[[int, int], None]
"""Called after each batch with the number of days that are copied, and with that of all days."""


class Migration:
    """The progress of a migration, which another thread or task can stop.

    Args:
        report: called after each batch, in the thread that copies.
    """

    def __init__(self, report: OnMigration | None = None) -> None:
        self._report = report
        self._stopped = threading.Event()

    def copied(self, done: int, total: int) -> None:
        """Report the progress after a batch.

        Args:
            done: how many days are copied.
            total: how many there are.

        Raises:
            StoreError: the migration was stopped.
        """
        if self._report is not None:
            self._report(min(done, total), total)
        if self._stopped.is_set():
            raise StoreError("the migration of its tables was stopped: the next command continues it")

    def stop(self) -> None:
        """End the migration after the batch that is being copied."""
        self._stopped.set()
