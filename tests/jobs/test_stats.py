from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import ServerError
from hourlyclicks.fetching.task import Caller
from hourlyclicks.jobs.stats import BackfillStats
from hourlyclicks.model.report import StopReason
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.simulator import Rule, Script, Status, retry_after
from hourlyclicks.store import MemoryStore
from tests.client.stories import free, simulate
from tests.fetching.asking import DAY, LINK

NOON = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
FEW = st.integers(0, 30)


def report_of(stats: BackfillStats) -> tuple[int, ...]:
    """Return the columns of the report."""
    report = stats.report(seconds=1.0, stopped=StopReason.COMPLETE, error=None, again_at=NOON)
    assert report.total == stats.total
    return report.done, report.reused, report.failed, report.refused, report.remaining


@given(st.tuples(FEW, FEW, FEW, FEW, FEW, FEW))
def test_the_columns_add_up(days: tuple[int, ...]) -> None:
    """Each day is in one column; those that other calls fetched are reused."""
    known, fetched, elsewhere, failed, rejected, left = days
    caller = Caller(Job(Lane.BACKFILL))
    stats = BackfillStats(known + fetched + elsewhere + failed + rejected + left, caller)
    stats.known, stats.got, caller.answered = known, fetched + elsewhere, fetched
    for number in range(failed + rejected):
        query = Query(DAY + dt.timedelta(number), LINK)
        stats.add_failure(query, ServerError("no", status=500, retryable=True), refused=number >= failed)
    assert report_of(stats) == (fetched, known + elsewhere, failed, rejected, left)
    assert len(stats.failures) == failed + rejected


def test_an_answer_that_came_too_late_to_be_counted_is_no_day() -> None:
    """A day that another call fetched for this one, after its end, is in no column."""
    caller = Caller(Job(Lane.BACKFILL))
    stats = BackfillStats(3, caller)
    stats.got, caller.answered = 1, 2
    assert report_of(stats) == (1, 0, 0, 0, 2)


def test_a_thousand_failures_are_enough() -> None:
    """All failures are counted, and a thousand are kept."""
    stats = BackfillStats(2000, Caller(Job(Lane.BACKFILL)))
    for number in range(1500):
        query = Query(DAY + dt.timedelta(number), LINK)
        stats.add_failure(query, ServerError("no", status=500, retryable=True), refused=False)
    assert (stats.failed, len(stats.failures), stats.remaining) == (1500, 1000, 500)


@pytest.mark.parametrize(("endpoint", "last"), [("v2", "2023-01-31"), ("auto", "2023-12-31")])
def test_rate_limited_requests_are_counted(endpoint: str, last: str) -> None:
    """Each 429, and each 503 with ``Retry-After``: they are requests, and no retries."""
    faults = Script(
        Rule(Status(429), number={1, 2}),
        Rule(retry_after("2", 503), number={7}),
        Rule(Status(503), number={9}),
    )
    upstream = free(plan="enterprise", faults=faults)
    report = simulate(
        upstream,
        lambda client, _clock: client.backfill("2023-01-01", last, [LINK]),
        store=MemoryStore,
        endpoint=endpoint,
    )
    assert (report.complete, report.rate_limited, report.retries) == (True, 3, 1)
    assert report.requests == upstream.counters.requests
    assert report.as_dict()["rate_limited"] == report.rate_limited


def test_when_to_resume() -> None:
    """If days are missing, when a request can be sent; else when the first provisional day is due."""
    stats = BackfillStats(2, Caller(Job(Lane.BACKFILL)))

    def again() -> dt.datetime | None:
        return stats.report(seconds=1.0, stopped=StopReason.COMPLETE, error=None, again_at=NOON).resume_at

    assert again() == NOON
    stats.known = 2
    assert again() is None
    for hours in (3, 2, 5):
        stats.add_provisional(NOON + dt.timedelta(hours=hours))
    assert again() == NOON + dt.timedelta(hours=2)
    assert stats.provisional == 3
