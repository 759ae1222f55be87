"""Many days: collected or streamed, counted, and ended early when the others cannot succeed."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import (
    AuthenticationError,
    IncompleteSeriesError,
    ServerError,
    TransportError,
    UsageError,
)
from hourlyclicks.events import DayFailed, FetchCancelled, Progress
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.jobs.series import summarize
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.series_builder import SeriesBuilder
from tests.fetching.asking import DAY, LINK, slots_in_use
from tests.fetching.stage import (
    BAD_DAYS,
    END,
    ONE,
    always,
    good,
    in_turn,
    others,
    play,
    read,
    some_bad,
    status,
)

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from tests.fetching.stage import Stage

RESET = TransportError("reset", kind="disconnected")


def test_a_range_is_one_request_a_day() -> None:
    """Each day is requested once, in the order of the dates, and progress is reported day by day."""

    async def story(stage: Stage) -> None:
        series = await stage.client.fetch(DAY, END, LINK)
        assert series.total_clicks == 30 * 7
        assert await others() == 1

    stage = play(story)
    assert [asked.day for asked in stage.transport.asked] == [DAY + dt.timedelta(n) for n in range(30)]
    reported = stage.events_of(Progress)
    assert [progress.done for progress in reported] == list(range(1, 31))
    assert {(progress.total, progress.failed) for progress in reported} == {(30, 0)}
    assert reported[-1].eta == 0.0


@pytest.mark.parametrize("strict", [True, False])
def test_days_that_fail_for_good(*, strict: bool) -> None:
    """The other days are fetched; the caller decides whether a failed day is an error."""

    async def story(stage: Stage) -> None:
        if not strict:
            series = await stage.client.fetch(DAY, END, LINK, strict=False)
        else:
            with pytest.raises(
                IncompleteSeriesError, match=r"^2 of 30 days are missing; 2025-04-23"
            ) as caught:
                await stage.client.fetch(DAY, END, LINK)
            assert set(caught.value.failures) == BAD_DAYS
            assert "not asked" not in str(caught.value)
            assert isinstance(caught.value.series, HourlySeries)
            series = caught.value.series
        assert set(series.missing_days) == BAD_DAYS

    stage = play(story, some_bad)
    assert len(stage.transport.asked) == 30
    last = stage.events_of(Progress)[-1]
    assert (last.done, last.failed) == (28, 2)


@pytest.mark.parametrize(
    ("total", "failed", "text"),
    [
        (1, 1, "the day is missing: 2025-04-20 failed: reset"),
        (3, 3, "3 of 3 days are missing; 2025-04-20 failed: reset"),
        (2, 1, "2 of 2 days are missing; 2025-04-20 failed: reset (1 day was not requested, because"),
        (1234, 2, "1,234 of 1,234 days are missing; 2025-04-20 failed: reset (1,232 days were not requested"),
    ],
)
def test_days_that_are_missing_in_words(total: int, failed: int, text: str) -> None:
    """The message is a sentence for one day and for many."""
    first = dt.date(2025, 4, 20)
    days = DateRange(first, first + dt.timedelta(total - 1))
    failures: dict[dt.date, HourlyClicksError] = dict.fromkeys(list(days)[:failed], RESET)
    assert summarize(failures, SeriesBuilder(LINK, days).build()).startswith(text)


def test_a_spent_budget_ends_a_run() -> None:
    """When nothing succeeds the run ends early, and says how many days were not requested."""

    async def story(stage: Stage) -> None:
        with pytest.raises(IncompleteSeriesError) as caught:
            await stage.client.fetch(DAY, END, LINK)
        failed = len(caught.value.failures)
        assert len(caught.value.series.missing_days) == 30
        assert f"({30 - failed} days were not requested" in str(caught.value)
        assert await others() == 1

    stage = play(story, always(status(500)))
    assert 11 <= len(stage.transport.asked) <= 11 + 5


def test_a_spent_budget_does_not_end_a_run_with_rejected_days() -> None:
    """A rejected day does not end a run, even with no budget left."""

    async def story(stage: Stage) -> None:
        series = await stage.client.fetch(DAY, END, LINK, strict=False)
        assert set(series.missing_days) == BAD_DAYS
        async with stage.client.stream(DAY, END, LINK) as days:
            assert len([found async for found in read(days)]) == 30

    assert len(play(story, some_bad, retry=RetryPolicy(budget=0)).transport.asked) == 60


def test_a_spent_budget_makes_later_calls_fail_fast() -> None:
    """Once the budget is spent, a day is tried once; successes bring the retries back."""

    async def story(stage: Stage) -> None:
        with pytest.raises(IncompleteSeriesError):
            await stage.client.fetch(DAY, END, LINK)
        before, asked = stage.now, len(stage.transport.asked)
        with pytest.raises(ServerError):
            await stage.client.day(DAY, LINK)
        assert (stage.now - before, len(stage.transport.asked) - asked) == (1.0, 1)
        stage.transport.answers = in_turn()
        await stage.client.fetch(DAY, END, LINK)
        stage.transport.answers = always(status(500))
        asked = len(stage.transport.asked)
        with pytest.raises(ServerError):
            await stage.client.day(DAY, LINK)
        assert len(stage.transport.asked) - asked > 1

    play(story, always(status(500)), limits=ONE)


@pytest.mark.usefixtures("own_garbage")
@pytest.mark.parametrize("calls", [1, 2])
def test_a_fatal_error_leaves_no_worker_behind(calls: int) -> None:
    """A rejected key ends all workers of all calls, keeps what was fetched, and asyncio does not complain."""
    complaints = []

    async def story(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        fetches = (stage.client.fetch(DAY, END, LINK) for _ in range(calls))
        for error in await asyncio.gather(*fetches, return_exceptions=True):
            assert isinstance(error, AuthenticationError)
            assert error.series is not None
        assert await others() == 1

    answers = in_turn(*[good(DAY + dt.timedelta(n)) for n in range(2)], *[status(401)] * 99)
    stage = play(story, answers)
    assert len(stage.transport.asked) <= 2 + 3 + 1  # one probe after a pause
    gc.collect()
    assert complaints == []
    assert {type(event.error) for event in stage.events_of(DayFailed)} == {AuthenticationError}


def test_cancelling_a_fetch_leaves_no_worker_behind() -> None:
    """Cancelled at any moment, a fetch and its workers end at once, and the slots are free."""

    async def story(stage: Stage) -> None:
        for when in (0.0, 0.5, 1.0, 1.2, 4.5):
            began = stage.now
            task = asyncio.create_task(stage.client.fetch(DAY, END, LINK))
            await stage.clock.sleep(when)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert stage.now == began + when
            assert await others() == 1
            assert (stage.transport.in_flight, slots_in_use(stage.client)) == (0, 0)
        await stage.client.day(DAY, LINK)

    play(story, in_turn(RESET, status(429, retry_after="2")))


def test_a_day_that_a_fetch_is_requesting() -> None:
    """A call for the day waits for the answer to the fetch, which may end before."""

    async def story(stage: Stage) -> None:
        fetch = asyncio.create_task(stage.client.fetch(DAY, END, LINK))
        await stage.clock.sleep(0.5)
        day = asyncio.create_task(stage.client.day(DAY, LINK))
        await stage.clock.sleep(0.1)
        fetch.cancel()
        await asyncio.wait([fetch])
        assert fetch.cancelled()
        assert (await day).total_clicks == 7
        assert await others() == 1

    stage = play(story)
    assert [asked.day for asked in stage.transport.asked].count(DAY) == 1
    assert len(stage.transport.asked) == 3


def test_a_request_without_callers_is_cancelled() -> None:
    """When the fetch and then the call that followed its request are cancelled, the request is too."""

    async def story(stage: Stage) -> None:
        fetch = asyncio.create_task(stage.client.fetch(DAY, END, LINK))
        await stage.clock.sleep(0.5)
        day = asyncio.create_task(stage.client.day(DAY, LINK))
        await stage.clock.sleep(0.1)
        for task in (fetch, day):
            task.cancel()
            await asyncio.wait([task])
        assert await others() == 1
        assert stage.transport.in_flight == 0

    play(story)


def test_closing_ends_what_was_kept_for_others() -> None:
    """A worker that outlives its fetch for a follower ends with the client."""

    async def story(stage: Stage) -> None:
        fetch = asyncio.create_task(stage.client.fetch(DAY, END, LINK))
        await stage.clock.sleep(0.5)
        day = asyncio.create_task(stage.client.day(DAY, LINK))
        await asyncio.sleep(0)
        fetch.cancel()
        await asyncio.wait([fetch])
        await stage.client.close()
        with pytest.raises(UsageError, match="closed"):
            await day
        assert await others() == 1
        assert stage.now == 0.5

    play(story)


def test_two_fetches_share_their_days() -> None:
    """Two fetches of one range at the same time cost little more than one."""

    async def story(stage: Stage) -> None:
        one, two = await asyncio.gather(*(stage.client.fetch(DAY, END, LINK) for _ in range(2)))
        assert one == two
        assert one.total_clicks == 30 * 7

    assert len(play(story).transport.asked) == 30


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_cancelled_fetch_keeps_what_it_has(how: str) -> None:
    """The error and an event carry the series of the days that were answered."""

    async def story(stage: Stage) -> None:
        fetching = asyncio.create_task(stage.client.fetch(DAY, END, LINK))
        if how == "timeout":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(fetching, 4.5)
        else:
            await stage.clock.sleep(4.5)
            fetching.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await fetching
            assert caught.value.series == stage.events_of(FetchCancelled)[0].series  # type: ignore[attr-defined]  # carried by an exception of asyncio
        assert await others() == 1

    stage = play(story, limits=ONE)
    (cancelled,) = stage.events_of(FetchCancelled)
    assert cancelled.target == LINK
    assert cancelled.series.total_clicks == 4 * 7
    assert len(cancelled.series.missing_days) == 26


def test_a_fetch_that_ends_by_itself_is_not_cancelled() -> None:
    """Neither success nor failure sends the event."""

    async def story(stage: Stage) -> None:
        await stage.client.fetch(DAY, END, LINK)
        stage.transport.answers = always(status(401))
        with pytest.raises(AuthenticationError):
            await stage.client.fetch(DAY, END, LINK)

    assert play(story).events_of(FetchCancelled) == []
