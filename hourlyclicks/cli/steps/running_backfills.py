"""The running backfills of an account, as far as they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.cli.options.days import present
from hourlyclicks.coordination.runs import running_backfills
from hourlyclicks.errors import StoreError
from hourlyclicks.render.running import running_lines, unknown_lines

if TYPE_CHECKING:
    from hourlyclicks.coordination.runs import RunningBackfill
    from hourlyclicks.store.stored_account import StoredAccount


async def runs_of(account: StoredAccount) -> list[RunningBackfill] | StoreError:
    """Return the running backfills of an account, or why they are not known."""
    try:
        return list(await running_backfills(account, now=present()))
    except StoreError as error:
        return error


async def lines_about(account: StoredAccount) -> list[str]:
    """Return the lines about the running backfills of an account; none if none runs.

    That their state cannot be read, as by a role without the right to it, does not hide the days.
    """
    now = present()
    try:
        return list(running_lines(await running_backfills(account, now=now), now))
    except StoreError as error:
        return unknown_lines(str(error))
