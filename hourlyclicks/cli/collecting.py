"""Fetch a range and keep what was fetched, however it ends.

``Client.fetch`` would lose everything on Ctrl-C; here the days are taken one by one, as they are answered.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.series import HourlySeries, SeriesBuilder

if TYPE_CHECKING:
    from hourlyclicks.client import Client
    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.targets import Target
    from hourlyclicks.net.streams import DayStream
    from hourlyclicks.pacing.lanes import Lane


@attrs.frozen
class Outcome:
    """What came of a run.

    Args:
        series: all that was fetched.
        failures: the days that failed for good, and why.
        ended_by: the error that no day could survive.
        interrupted: whether Ctrl-C did.
    """

    series: HourlySeries
    failures: dict[dt.date, HourlyClicksError]
    ended_by: HourlyClicksError | None = None
    interrupted: bool = False

    @property
    def fetched(self) -> int:
        """How many days were fetched."""
        return len(self.series.range) - len(self.series.missing_days)

    @property
    def complete(self) -> bool:
        """Whether every day was fetched."""
        return not self.series.missing_days


async def collect(client: Client, days: DateRange, target: Target, *, lane: Lane) -> Outcome:
    """Fetch the days of a range; an error or a cancellation ends it and is told in the outcome.

    Raises:
        HourlyClicksError: it could not even begin.
    """
    stream = client.stream(days.start, days.end, target, ordered=False, lane=lane)
    builder = SeriesBuilder(target, days)
    failures: dict[dt.date, HourlyClicksError] = {}
    ended_by, interrupted = None, False
    try:
        async with stream:
            try:
                ended_by = await _drain(stream, builder, failures)
            except asyncio.CancelledError:
                interrupted = True
                await _take_what_is_there(stream, builder, failures)
    except asyncio.CancelledError:
        interrupted = True
    return Outcome(builder.build(), failures, ended_by, interrupted)


async def _drain(
    stream: DayStream, builder: SeriesBuilder, failures: dict[dt.date, HourlyClicksError]
) -> HourlyClicksError | None:
    """Take all days; return the error that no day could survive, if there was one."""
    while True:
        try:
            builder.add(await anext(stream))
        except StopAsyncIteration:
            return None
        except HourlyClicksError as error:
            if error.fatal or error.day is None:
                return error
            failures[error.day] = error


async def _take_what_is_there(
    stream: DayStream, builder: SeriesBuilder, failures: dict[dt.date, HourlyClicksError]
) -> None:
    """After a cancellation, take the days that have been answered already, and wait for no other."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()  # it has been heard
    with suppress(TimeoutError):
        async with asyncio.timeout(0):  # runs out as soon as there is something to wait for
            await _drain(stream, builder, failures)
