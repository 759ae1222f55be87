"""Backfills beside other calls of the same client, and when the client is closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.report import StopReason
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.queue import Lane
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import END, FREE, ONE, others, play
from tests.jobs.backfilling import MONTH_OF_IT, start, store_threads, times_asked
from tests.sizes import sample

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.store import MemoryStore
    from tests.fetching.stage import Stage

# -- other calls ------------------------------------------------------------------------------------------


def test_an_interactive_call_is_next(any_store: Path | MemoryStore) -> None:
    """The next request after an interactive call is the one for it."""

    async def story(stage: Stage) -> None:
        running = start(stage)
        await stage.clock.sleep(65.2)
        sent = len(stage.transport.asked)
        await stage.client.day("2025-01-01", LINK)
        assert str(stage.transport.asked[sent].day) == "2025-01-01"
        report = await running
        assert (report.done, report.requests) == (30, 30)

    play(story, store=any_store, limits=Limits(rates=(Rate(3),), concurrency=1))


@pytest.mark.parametrize("moment", [0.5, 1.5])
def test_a_day_in_flight_is_one_request(any_store: Path | MemoryStore, moment: float) -> None:
    """A call for a day that the backfill has in flight, or in the queue, gets that answer."""

    async def story(stage: Stage) -> None:
        running = start(stage)
        await stage.clock.sleep(moment)
        day = stage.transport.asked[-1].day
        found = await stage.client.day(day, LINK)
        assert found.date == day
        report = await running
        assert (report.done + report.reused, report.remaining) == (30, 0)
        assert times_asked(stage) == [1] * 30

    play(story, store=any_store, limits=ONE)


def test_a_stop_leaves_a_day_to_its_followers(any_store: Path | MemoryStore) -> None:
    """A call that follows a request of the backfill gets its day, though the backfill stops."""

    async def story(stage: Stage) -> None:
        stop = asyncio.Event()
        running = start(stage, stop=stop)
        await stage.clock.sleep(0.5)
        queued = DAY.replace(day=21)
        joined = [asyncio.create_task(stage.client.day(day, LINK)) for day in (DAY, queued)]
        await stage.clock.sleep(0.1)
        stop.set()
        report = await running
        assert report.stopped == StopReason.STOPPED
        assert [day.date for day in await asyncio.gather(*joined)] == [DAY, queued]
        assert report.done + report.reused + report.remaining == 30

    play(story, store=any_store, limits=ONE)


def test_two_backfills_at_once(any_store: Path | MemoryStore) -> None:
    """Two backfills of the same days on one client request each day once, and both are complete."""

    async def story(stage: Stage) -> None:
        one, other = start(stage), start(stage, order="newest")
        first, second = await one, await other
        assert (first.complete, second.complete) == (True, True)
        assert first.stopped == second.stopped == StopReason.COMPLETE
        assert first.requests + second.requests == 30
        assert times_asked(stage) == [1] * 30

    play(story, store=any_store)


@pytest.mark.parametrize("limits", [ONE, FREE])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("asks", [{"max_requests": 3}, {"deadline": 2.5}])
def test_the_end_of_one_backfill_is_not_that_of_another(
    any_store: Path | MemoryStore, limits: Limits, asks: dict[str, Any], *, first: bool
) -> None:
    """Of two backfills of the same days, the one without a limit continues to the end."""

    async def story(stage: Stage) -> None:
        tasks = [start(stage, **(asks if bounded else {})) for bounded in (first, not first)]
        bounded, free = (await asyncio.gather(*tasks))[:: 1 if first else -1]
        assert bounded.requests <= 3 * limits.concurrency
        assert (free.stopped, free.remaining) == (StopReason.COMPLETE, 0)
        assert times_asked(stage) == [1] * 30

    play(story, store=any_store, limits=limits)


@pytest.mark.parametrize("limits", [ONE, FREE])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("lane", Lane)
def test_the_end_of_a_backfill_is_not_that_of_a_fetch(
    any_store: Path | MemoryStore, limits: Limits, lane: Lane, *, first: bool
) -> None:
    """A fetch of the same days, of any priority, continues when the backfill stops."""

    async def story(stage: Stage) -> None:
        async def fetch() -> HourlySeries:
            await stage.clock.sleep(0 if first else 0.5)
            return await stage.client.fetch(DAY, END, LINK, lane=lane)

        fetching = asyncio.create_task(fetch())
        await stage.clock.sleep(0.2)
        report = await stage.client.backfill(*MONTH_OF_IT, deadline=2.0)
        assert report.stopped == StopReason.DEADLINE
        series = await fetching
        assert series.missing_days == ()
        assert times_asked(stage) == [1] * 30

    play(story, store=any_store, limits=limits)


def test_few_tasks_for_many_days(any_store: Path | MemoryStore) -> None:
    """Twelve years of days need only a few tasks."""

    async def story(stage: Stage) -> None:
        running = asyncio.create_task(stage.client.backfill("2013-01-01", "2025-01-01", [LINK], deadline=50))
        most = 0
        while not running.done():
            await stage.clock.sleep(0.37)
            most = max(most, len(asyncio.all_tasks()))
        assert most <= 2 + FREE.concurrency + 2 + 6
        assert await others() == 1

    play(story, store=any_store)


# -- the end of the client --------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", sample([0, 1, 2, 3, 5, 8, 13, 40], 4))
@pytest.mark.parametrize("moment", [0.0, 0.5, 30.0])
def test_the_client_is_closed_meanwhile(path: Path, moment: float, turns: int) -> None:
    """The backfill ends at once with an error that carries the report, and the store is closed for good."""

    async def story(stage: Stage) -> None:
        running = start(stage)
        if moment:
            await stage.clock.sleep(moment)
        for _ in range(turns):
            await asyncio.sleep(0)
        before = stage.now
        await stage.client.close(grace=0)
        with pytest.raises(UsageError, match="closed") as caught:
            await running
        assert stage.now == before
        if turns:
            report = caught.value.report
            assert report is not None
            assert report.stopped == StopReason.ERROR
            assert report.done + report.reused + report.remaining == 30
        await stage.clock.sleep(1)
        assert await others() == 1
        assert [thread for thread in store_threads() if thread not in threads] == []

    threads = store_threads()
    play(story, store=path, limits=Limits(rates=(Rate(20),), concurrency=3))


def test_after_a_close_the_next_begins_at_once(any_store: Path | MemoryStore) -> None:
    """A client that is closed during a run stores what is in flight, and leaves no slot, claim or entry."""

    async def story(stage: Stage) -> None:
        running = start(stage)
        await stage.clock.sleep(2.5)
        await stage.client.close()
        with pytest.raises(UsageError):
            await running

    stage = play(story, store=any_store)
    assert len(stage.transport.asked) == 9

    async def again(stage: Stage) -> None:
        report = await stage.client.backfill(*MONTH_OF_IT)
        assert (report.reused, report.done) == (9, 21)
        assert report.seconds < 9

    play(again, store=any_store, start=stage.clock.wall())
