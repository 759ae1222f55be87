"""Fetch a range, of one target after the other, and keep what was fetched, however it ends.

After Ctrl-C, ``Client.fetch`` keeps the series, but not the errors of the days that had failed before; here
both are kept.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from hourlyclicks.errors import HourlyClicksError, IncompleteSeriesError
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.series_builder import SeriesBuilder
from hourlyclicks.model.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hourlyclicks.client import Client
    from hourlyclicks.jobs.stream import DayStream
    from hourlyclicks.model.priority import Lane


SeriesT = TypeVar("SeriesT", bound=HourlySeries | DailySeries)


@attrs.frozen
class TargetOutcome(Generic[SeriesT]):
    """What came of the days of one target.

    Args:
        series: all that was fetched, the hours or the sums of the days.
        failures: the days that failed, and why.
        ended_by: the error that no day could survive.
        interrupted: whether Ctrl-C did.
    """

    series: SeriesT
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

    @property
    def is_the_last(self) -> bool:
        """Whether no other target is worth a request: this one was not gone through to its end."""
        return (
            self.interrupted
            or self.ended_by is not None
            or len(self.series.missing_days) > len(self.failures)
        )


@attrs.frozen
class RunOutcome:
    """What came of a run. Iterates, as often as it is wanted, over the series of all targets.

    Args:
        ranges: the days of each target.
        parts: what came of each target that was begun.
        daily: whether the sums of the days were to be fetched.
    """

    ranges: Mapping[Target, DateRange]
    parts: tuple[TargetOutcome[Any], ...]
    daily: bool = False

    @property
    def left(self) -> tuple[Target, ...]:
        """The targets that were not begun."""
        return tuple(self.ranges)[len(self.parts) :]

    @property
    def several(self) -> bool:
        """Whether there is more than one target."""
        return len(self.ranges) > 1

    @property
    def total(self) -> int:
        """How many days were to be fetched, of all targets."""
        return sum(map(len, self.ranges.values()))

    @property
    def fetched(self) -> int:
        """How many days were fetched."""
        return sum(part.fetched for part in self.parts)

    @property
    def complete(self) -> bool:
        """Whether every day of every target was fetched."""
        return not self.left and all(part.complete for part in self.parts)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return any(part.interrupted for part in self.parts)

    @property
    def ended_by(self) -> HourlyClicksError | None:
        """The error that no day could survive."""
        return next((part.ended_by for part in self.parts if part.ended_by is not None), None)

    def failures(self) -> Iterator[tuple[Target, dt.date, HourlyClicksError]]:
        """Yield the days that failed, and why."""
        for part in self.parts:
            for day, error in sorted(part.failures.items()):
                yield part.series.target, day, error

    def lacking(self) -> Iterator[tuple[Target, Sequence[dt.date] | DateRange]]:
        """Yield the targets of which days are missing, and these days."""
        for part in self.parts:
            if not part.complete:
                yield part.series.target, part.series.missing_days
        for target in self.left:
            yield target, self.ranges[target]

    def hourly(self) -> Iterator[HourlySeries]:
        """Yield the series of all targets, if these are of hours."""
        return (series for series in self if isinstance(series, HourlySeries))

    def __iter__(self) -> Iterator[HourlySeries | DailySeries]:
        for part in self.parts:
            yield part.series
        for target in self.left:  # made one at a time: many of them would take much memory
            yield _nothing_of(target, self.ranges[target], daily=self.daily)


async def collect_each(
    client: Client,
    ranges: Mapping[Target, DateRange],
    *,
    lane: Lane,
    daily: bool = False,
    begin: Callable[[], object] = lambda: None,
) -> RunOutcome:
    """Fetch the days of one target after the other, until one of them ends the run.

    Args:
        client: the client.
        ranges: the days of each target.
        lane: how urgent it is.
        daily: whether to fetch the sums of the days in place of the hours.
        begin: called before each target.

    Raises:
        HourlyClicksError: it could not even begin.
    """
    parts: list[TargetOutcome[Any]] = []
    for target, days in ranges.items():
        begin()
        try:
            parts.append(await (collect_sums if daily else collect)(client, days, target, lane=lane))
        except HourlyClicksError as error:
            if not parts:
                raise
            parts.append(TargetOutcome(_nothing_of(target, days, daily=daily), {}, error))
        if parts[-1].is_the_last:
            break
    return RunOutcome(ranges, tuple(parts), daily)


def _nothing_of(target: Target, days: DateRange, *, daily: bool) -> HourlySeries | DailySeries:
    """Return a series without any day."""
    return DailySeries.of(target, days, ()) if daily else SeriesBuilder(target, days).build()


async def collect(
    client: Client, days: DateRange, target: Target, *, lane: Lane
) -> TargetOutcome[HourlySeries]:
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
    return TargetOutcome(builder.build(), failures, ended_by, interrupted)


async def collect_sums(client: Client, days: DateRange, target: Target, *, lane: Lane) -> TargetOutcome[Any]:
    """Fetch the sums of a range; an error or a cancellation ends it and is told in the outcome.

    Raises:
        HourlyClicksError: it could not even begin.
    """
    try:
        return TargetOutcome(await client.daily(days.start, days.end, target, lane=lane), {})
    except IncompleteSeriesError as error:
        return TargetOutcome(error.series, error.failures)
    except asyncio.CancelledError as cancelled:
        series = getattr(cancelled, "series", None) or _nothing_of(target, days, daily=True)
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # the cancellation is handled here
        return TargetOutcome(series, {}, interrupted=True)
    except HourlyClicksError as error:
        if error.series is None:
            raise
        return TargetOutcome(error.series, {}, error)


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
        task.uncancel()  # the cancellation is handled here
    with suppress(TimeoutError):
        async with asyncio.timeout(0):  # runs out as soon as there is something to wait for
            await _drain(stream, builder, failures)
