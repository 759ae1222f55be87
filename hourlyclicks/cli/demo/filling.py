"""Bring the days of the demonstration into its store, and read all of them from there, however it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.cli.actions.collecting import Outcome
from hourlyclicks.cli.demo.stage import LINK, client_of
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.series import merge_days
from hourlyclicks.store.opening import store_of

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.events import Hook
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.simulator import Simulator


async def fill(server: Simulator, store: Path, days: DateRange, on_event: Hook) -> Outcome:
    """Fetch the days that are not in the store, and return all it has then."""
    failures, ended_by, interrupted = {}, None, False
    client = client_of(server.key, server.url, store, on_event)
    try:
        async with client:
            report = await client.backfill(days.start, days.end, [LINK])
    except asyncio.CancelledError:
        interrupted = True
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # it has been heard
    except HourlyClicksError as error:
        ended_by = error
    else:
        failures = {query.day: error for query, error in report.failures.items()}
        ended_by = report.error
    return Outcome(await stored(store, days), failures, ended_by, interrupted)


async def stored(path: Path, days: DateRange) -> HourlySeries:
    """Return what a store has of the days, whoever brought them there."""
    store = store_of(path)
    try:
        found = [
            day
            for account in (await store.accounts()).values()
            for day in await store.read(account, LINK, days)
        ]
    finally:
        await store.close()
    return merge_days(days, found, target=LINK)
