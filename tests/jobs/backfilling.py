"""Backfills of one store, one after the other, and what must be true of every report."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.report import BackfillReport
from hourlyclicks.model.targets import Link
from hourlyclicks.store import MemoryStore
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import END, good, play

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.fetching.stage import Answers, Stage

OTHER = Link("xyz", "https://vvd.bz")
MONTH = DateRange(DAY, END)
MONTH_OF_IT = (DAY, END, [LINK])
NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
TODAY, YESTERDAY = dt.date(2025, 6, 1), dt.date(2025, 5, 31)
ONCE = RetryPolicy(attempts=1)


@attrs.define
class FakeApi:
    """Backfills of one store, one after the other, and their results."""

    store: Path | MemoryStore
    start: dt.datetime = NOW
    reports: list[BackfillReport] = attrs.Factory(list)

    def run(
        self,
        answers: Answers = lambda day, _number: good(day),
        days: DateRange = MONTH,
        targets: tuple[Link, ...] = (LINK,),
        meanwhile: Callable[[Stage, asyncio.Event], Any] | None = None,
        options: dict[str, Any] | None = None,
        **asks: Any,  # noqa: ANN401 - arguments of a backfill
    ) -> Stage:
        """Run a backfill; something may happen meanwhile, and may stop it."""

        async def story(stage: Stage) -> None:
            stop = asyncio.Event()
            other = asyncio.ensure_future(meanwhile(stage, stop)) if meanwhile else None
            report = await stage.client.backfill(days.start, days.end, targets, stop=stop, **asks)
            self.reports.append(report)
            if other is not None:
                other.cancel()
            check(report, len(days) * len(targets))

        stage = play(
            story, answers, start=self.start, store=self.store, **({"retry": ONCE} | (options or {}))
        )
        self.start = stage.clock.wall() + dt.timedelta(minutes=2)
        return stage

    @property
    def report(self) -> BackfillReport:
        """The last report."""
        return self.reports[-1]


def check(report: BackfillReport, total: int) -> None:
    """Check what must be true of every report."""
    parts = (report.done, report.reused, report.failed, report.refused, report.remaining)
    assert report.total == total == sum(parts)
    assert min(parts) >= 0
    assert report.provisional <= report.done + report.reused
    assert report.retries <= report.requests
    unfinished = report.failed or report.remaining
    assert report.complete == (not unfinished)
    assert (report.resume_at is None) == (not unfinished and not report.provisional)
    assert report.resume_at is None or report.resume_at.tzinfo is not None


async def ended(backfill: Awaitable[BackfillReport]) -> BackfillReport:
    """Return the report of a backfill, or the one in its error."""
    try:
        return await backfill
    except HourlyClicksError as error:
        if error.report is None:
            raise
        return error.report


def asked(stage: Stage) -> list[dt.date]:
    """Return the days that were requested, in order."""
    return [question.day for question in stage.transport.asked]


def start(stage: Stage, **asks: Any) -> asyncio.Task[BackfillReport]:  # noqa: ANN401 - arguments of a backfill
    """Start the backfill of a month."""
    return asyncio.create_task(stage.client.backfill(*MONTH_OF_IT, **asks))


def times_asked(stage: Stage) -> list[int]:
    """Return how often each requested day was requested."""
    days = [question.day for question in stage.transport.asked]
    return [days.count(day) for day in sorted(set(days))]


def store_threads() -> list[threading.Thread]:
    """Return the threads of stores that are open."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("hourlyclicks-store")]
