"""The days of a run, merged into a series while they are fetched."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks import events
from hourlyclicks.errors import HourlyClicksError, IncompleteSeriesError, StoreError, carry
from hourlyclicks.model.quantities import count
from hourlyclicks.model.series_builder import SeriesBuilder

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.target_run import TargetRun
    from hourlyclicks.jobs.workers import WorkerPool
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Query


class _Collection:
    """What was collected of a run so far.

    Args:
        run: the days.

    Attributes:
        builder: merges the days.
        failures: why days have failed.
        pool: does the work.
    """

    pool: WorkerPool[Query] | WorkerPool[Batch]

    def __init__(self, run: TargetRun) -> None:
        self._run = run
        self.builder = SeriesBuilder(run.target, run.range)
        self.failures: dict[dt.date, HourlyClicksError] = {}

    def add(self, query: Query, outcome: DayClicks | HourlyClicksError) -> None:
        """Add a day, or note why it has failed."""
        if isinstance(outcome, HourlyClicksError):
            self.fail(query, outcome)
        else:
            self.builder.add(outcome)

    def fail(self, query: Query, error: HourlyClicksError) -> None:
        """Note why a day has failed; raise the error if it is fatal."""
        self.save(error)
        if error.fatal:
            raise error
        self.failures[query.day] = error
        if error.retryable and self._run.given_up:
            self.pool.stop()

    def save(self, error: BaseException) -> None:
        """Add the days that could not be stored, if an error carries some."""
        if isinstance(error, StoreError):
            for day in error.unsaved:
                self.builder.add(day)


async def collect(run: TargetRun, *, strict: bool) -> HourlySeries:
    """Fetch all days of a run and merge them.

    Raises:
        IncompleteSeriesError: some days failed and `strict` is set.
        HourlyClicksError: a fatal one; carries what had been fetched.
    """
    collection = _Collection(run)
    builder = collection.builder

    async def work(query: Query) -> None:
        try:
            builder.add(await run.fetch(query))
        except HourlyClicksError as error:
            collection.fail(query, error)
        if run.parking.unsettled:
            await run.follow_up()

    batches = run.batches(collection.add)
    ranges = run.range_work(collection.add, work)
    collection.pool = pool = (
        run.pool(run.queries(), work) if ranges is None else run.pool(batches, ranges.fetch)
    )
    run.on_close, run.on_stop = pool.end, partial(run.wind_down, pool)
    try:
        async with aclosing(batches):
            with run.tracker:
                await run.survey()
                async with pool:
                    await pool.join()
                await run.conclude()
    except BaseException as error:  # also after a bug: the answers so far are not lost
        collection.save(error)
        _attach_series(error, builder.build(), run)
        raise
    series, failures = builder.build(), collection.failures
    if failures and strict:
        raise IncompleteSeriesError(summarize(failures, series), series=series, failures=failures)
    return series


def _attach_series(error: BaseException, series: HourlySeries, run: TargetRun) -> None:
    """Attach what was fetched to an error; that of a cancelled call may never reach the caller."""
    carry(error, series=series)
    if isinstance(error, asyncio.CancelledError):
        run.dispatch(events.FetchCancelled(target=run.target, series=series, **run.context.tags))


def summarize(failures: dict[dt.date, HourlyClicksError], series: HourlySeries | DailySeries) -> str:
    """Return how many days are missing, and why, in words."""
    day, error = min(failures.items())
    missing, total = len(series.missing_days), len(series.range)
    if total == 1:
        return f"the day is missing: {day} failed: {error}"
    text = f"{missing:,} of {total:,} days {'is' if missing == 1 else 'are'} missing; {day} failed: {error}"
    if skipped := missing - len(failures):
        was = "was" if skipped == 1 else "were"
        text += f" ({count(skipped, 'day')} {was} not requested, because too many requests had failed)"
    return text
