"""Workers that have to wait, and the spare workers that work meanwhile."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import (
    RateLimitedError,
    TransportError,
)
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.jobs.workers import WorkerPool
from hourlyclicks.model.targets import Link
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.queue import Lane
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import (
    END,
    FREE,
    ONE,
    good,
    in_turn,
    play,
    read,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from hourlyclicks.model.http import Response
    from tests.fetching.stage import Stage

RESET = TransportError("reset", kind="disconnected")

PATIENT = RetryPolicy(base=30.0)
"""With jitter of 1, a day that failed once is retried after 30 seconds."""


async def workers(stage: Stage, call: Coroutine[Any, Any, Any]) -> int:
    """Return the largest number of tasks that worked on the days of a call, looking every half second."""
    task, most = asyncio.create_task(call), 0
    while not task.done():
        most = max(most, sum(is_worker(each) for each in asyncio.all_tasks()))
        await stage.clock.sleep(0.5)
    await task
    return most


def is_worker(task: asyncio.Task[Any]) -> bool:
    """Return whether a task is a worker of a pool, and not a step of a store or a call."""
    coroutine = task.get_coro()
    return inspect.iscoroutine(coroutine) and coroutine.cr_code is WorkerPool._run.__code__


async def stream(stage: Stage) -> None:
    """Read the whole range, day by day."""
    async with stage.client.stream(DAY, END, LINK) as days:
        assert len([found async for found in read(days)]) == 30


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("limits", [ONE, FREE])
def test_without_trouble_no_spare_worker_starts(
    path: Path, limits: Limits, *, stored: bool, streamed: bool
) -> None:
    """There are as many workers as slots; with a store two more, since some always wait for the disk."""

    async def story(stage: Stage) -> None:
        call = stream(stage) if streamed else stage.client.fetch(DAY, END, LINK)
        assert await workers(stage, call) == limits.concurrency + 2 * stored

    options: dict[str, Any] = {"store": path} if stored else {}
    play(story, limits=limits, **options)


@pytest.mark.parametrize("days", [1, 2])
def test_a_short_range_has_no_more_workers_than_days(days: int) -> None:
    """No worker starts without a day, however many have to wait."""

    async def story(stage: Stage) -> None:
        call = stage.client.fetch(DAY, DAY + dt.timedelta(days - 1), LINK)
        assert await workers(stage, call) == days

    play(story, in_turn(RESET, RESET, status(429)))


@pytest.mark.parametrize("stored", [False, True])
def test_there_are_two_spare_workers_at_most(path: Path, *, stored: bool) -> None:
    """However many days have to wait, at most two more workers than slots work on them."""

    async def story(stage: Stage) -> None:
        stage.dice.u = 1.0
        assert await workers(stage, stage.client.fetch(DAY, END, LINK)) == 1 + 2

    options: dict[str, Any] = {"store": path} if stored else {}
    stage = play(story, in_turn(*[RESET] * 8), limits=ONE, retry=PATIENT, **options)
    assert stage.transport.most == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_day_that_waits_for_its_next_attempt_delays_no_other(*, streamed: bool) -> None:
    """While one day waits for half a minute the others are fetched, even with a single slot."""

    async def story(stage: Stage) -> None:
        stage.dice.u = 1.0
        if streamed:
            async with stage.client.stream(DAY, END, LINK, ordered=False) as days:
                assert len([found async for found in read(days)]) == 30
        else:
            await stage.client.fetch(DAY, END, LINK)

    stage = play(story, in_turn(RESET), limits=ONE, retry=PATIENT)
    first, *between, last = stage.transport.asked
    assert (first.day, last.day, last.at) == (DAY, DAY, 31.0)
    assert [asked.at for asked in between] == list(range(1, 30))


def test_a_day_that_another_call_waits_for_delays_no_other() -> None:
    """While another call retries a day, a fetch that needs it continues with the others."""

    async def story(stage: Stage) -> None:
        stage.dice.u = 1.0
        day = asyncio.create_task(stage.client.day(DAY, LINK))
        await stage.clock.sleep(2)
        series = await stage.client.fetch(DAY, END, LINK)
        assert series.total_clicks == 30 * 7
        await day

    stage = play(story, in_turn(RESET), limits=ONE, retry=PATIENT)
    assert stage.transport.times == [0.0, *range(2, 31), 31.0]
    assert [asked.day for asked in stage.transport.asked].count(DAY) == 2


def test_a_day_that_another_call_took_over_delays_no_other() -> None:
    """When another call takes over the day of a worker, a spare worker starts in its own fetch."""

    async def story(stage: Stage) -> None:
        stage.dice.u = 1.0
        fetch = asyncio.create_task(stage.client.fetch(DAY, END, LINK))
        await stage.clock.sleep(0.5)
        await stage.client.day(DAY, LINK)
        await fetch

    assert play(story, in_turn(RESET), limits=ONE, retry=PATIENT).transport.times == [*range(30), 31.0]


def test_a_day_that_is_rate_limited_again_and_again_delays_no_other() -> None:
    """When one day alone gets a 429, others are requested between its attempts."""
    limited = status(429, retry_after="30")

    async def story(stage: Stage) -> None:
        series = await stage.client.fetch(DAY, END, LINK)
        assert series.total_clicks == 30 * 7

    def answers(day: dt.date, number: int) -> Response:
        return limited if day == DAY and number < 12 else good(day)

    asked = [asked.day for asked in play(story, answers, limits=ONE).transport.asked]
    before = asked[: len(asked) - asked[::-1].index(DAY)]  # its answer came with the last of them
    assert before.count(DAY) <= 6
    assert len(set(before)) >= 8


@pytest.mark.parametrize("rates", [(), (Rate(9, 60.0),)])
@pytest.mark.parametrize("concurrency", [1, 2, 3])
def test_an_interactive_fetch_goes_before_a_backfill(concurrency: int, rates: tuple[Rate, ...]) -> None:
    """While an interactive fetch has days left, no released slot goes to the other lane."""
    urgent = Link("urgent", LINK.domain)

    async def story(stage: Stage) -> None:
        slow = asyncio.create_task(stage.client.fetch(DAY, END, LINK, lane=Lane.BACKFILL))
        await stage.clock.sleep(2.5)
        begun = len(stage.transport.asked)
        await stage.client.fetch(DAY, END, urgent)
        meanwhile = [asked.target for asked in stage.transport.asked[begun:]]
        assert meanwhile.count("urgent") == 30
        assert meanwhile[: 30 - concurrency].count(LINK.id) == 0
        slow.cancel()

    play(story, limits=Limits(rates, concurrency=concurrency))


@pytest.mark.parametrize("concurrency", [1, 2, 4])
@pytest.mark.parametrize("good_ones", [0, 3])
def test_no_spare_worker_starts_when_the_pause_is_too_long(concurrency: int, good_ones: int) -> None:
    """A Retry-After that is too long ends the fetch, and nothing is sent after it."""

    async def story(stage: Stage) -> None:
        with pytest.raises(RateLimitedError):
            await stage.client.fetch(DAY, END, LINK)
        await stage.clock.sleep(100)

    no = status(429, retry_after="5000")
    stage = play(
        story,
        lambda day, number: good(day) if number < good_ones else no,
        limits=Limits(concurrency=concurrency),
    )
    assert len(stage.transport.asked) <= good_ones + concurrency
