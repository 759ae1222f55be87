"""Migrate an older store before a command writes to it, and tell on stderr how far that is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hourlyclicks.cli.console import loop
from hourlyclicks.cli.console.messages import say
from hourlyclicks.cli.exits import INTERRUPTED, CommandError
from hourlyclicks.model.quantities import count
from hourlyclicks.store.opening import store_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.cli.options.stores import StoreChoice

_QUIET = 1.0
"""Seconds without a message: most migrations take less."""
_EVERY = 5.0
"""Seconds between two messages."""


class MigrationMessages:
    """Tell how many days are copied, from time to time.

    Args:
        now: returns the seconds on a clock that never jumps.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._next = now() + _QUIET
        self.told = False

    def __call__(self, done: int, total: int) -> None:
        """Tell it, unless that was done a moment ago."""
        if self._now() >= self._next:
            self._next = self._now() + _EVERY
            self.told = True
            say(f"migrating the store, once: {done:,} of {count(total, 'day')}")


def migrate(store: StoreChoice) -> None:
    """Bring the tables of a store up to date, if it is there.

    Args:
        store: the store of the command.

    Raises:
        StoreError: it cannot be opened.
        CommandError: Ctrl-C ended it.
    """
    if store.where is None or not store.exists:
        return
    messages = MigrationMessages()
    opened = store_of(store.where, on_migration=messages)

    async def open_and_close() -> None:
        try:
            await opened.open()
        finally:
            await opened.close()

    try:
        loop.run(open_and_close())
    except KeyboardInterrupt:
        if not messages.told:
            raise
        raise CommandError("interrupted; the next command continues the migration", INTERRUPTED) from None
    if messages.told:
        say("the store is migrated")
