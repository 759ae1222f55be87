"""Bring the days of the demonstration into its store, and read all of them from there, however it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hourlyclicks.cli.demo.settings import LINK, client_of
from hourlyclicks.cli.steps.collecting import TargetOutcome
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.store.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.events import Hook
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.simulator import Simulator


async def fill(
    server: Simulator, store: Path, days: DateRange, on_event: Hook
) -> TargetOutcome[HourlySeries]:
    """Fetch the days that are not in the store, and return all that it then holds."""
    failures, ended_by, interrupted = {}, None, False
    client = client_of(server.key, server.url, store, on_event)
    try:
        async with client:
            report = await client.backfill(days.start, days.end, [LINK])
    except asyncio.CancelledError:
        interrupted = True
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # the cancellation is handled here
    except HourlyClicksError as error:
        ended_by = error
    else:
        failures = {query.day: error for query, error in report.failures.items()}
        ended_by = report.error
    return TargetOutcome(await stored(store, days), failures, ended_by, interrupted)


async def stored(path: Path, days: DateRange) -> HourlySeries:
    """Return what a store has of the days, whichever process fetched them."""
    async with open_store(path, read_only=False) as store:
        for account in await store.accounts():
            return await account.series(days.start, days.end, LINK)
    return merge_days(days, (), target=LINK)
