"""A range in flight: callers of any of its days follow it, and each gets its day."""

from __future__ import annotations

import asyncio
import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks.errors import ApiError, AuthenticationError, ServerError
from hourlyclicks.fetching.task import Caller
from hourlyclicks.model.questions import Question
from hourlyclicks.model.targets import Query
from hourlyclicks.pacing.queue import HeldError, Job, Lane, OverError
from hourlyclicks.store.freshness import Freshness
from tests.fetching.asking import DAY, QUERY
from tests.fetching.test_coalescing import (
    ANSWER,
    CALL,
    NOW,
    begun,
    cancelled,
    fetching,
    settle,
    single_flight,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.fetching.coalescing import SingleFlight
    from hourlyclicks.fetching.range_task import Outcomes, RangeTask
    from tests.fetching.test_coalescing import ControlledFetch

__all__ = ["fetching", "single_flight"]

WEEK = [DAY + dt.timedelta(number) for number in range(7)]
QUERIES = [Query(day, QUERY.target) for day in WEEK]
QUESTION = Question(WEEK[0], WEEK[-1], QUERY.target, "clicks-by-hour/v3")
ANSWERS: Outcomes = {day: attrs.evolve(ANSWER, date=day) for day in WEEK}
REJECTED = ApiError("no", code=9, status=200)


class ControlledRange:
    """A fetch of a range that ends when the test says, with what it says."""

    def __init__(self) -> None:
        self.tasks: list[RangeTask] = []
        self.end: asyncio.Future[Outcomes] = asyncio.get_running_loop().create_future()

    async def __call__(self, task: RangeTask) -> None:
        """Take the place of the fetcher."""
        self.tasks.append(task)
        task.outcomes.update(await self.end)


async def ranged(
    flight: SingleFlight, caller: Caller, fetch: Callable[[RangeTask], Awaitable[None]]
) -> Outcomes:
    """Fetch a week, and return what became of its days."""
    outcomes: Outcomes = {}
    await flight.fetch_range(QUESTION, WEEK, caller, fetch, outcomes=outcomes)
    return outcomes


async def started(
    flight: SingleFlight, caller: Caller = CALL
) -> tuple[ControlledRange, asyncio.Task[Outcomes]]:
    """Start to fetch a week as a worker does."""
    fetch = ControlledRange()
    task = asyncio.create_task(ranged(flight, caller, fetch))
    await settle()
    return fetch, task


async def test_each_follower_gets_its_day(single_flight: SingleFlight, fetching: ControlledFetch) -> None:
    """Of the first day or any other, and none of them sends a request."""
    fetch, task = await started(single_flight)
    followers = await begun(
        single_flight.fetch_shared(QUERIES[0], CALL),
        single_flight.fetch(QUERIES[3], CALL),
        single_flight.fetch_shared(QUERIES[6], CALL),
    )
    assert single_flight.is_in_flight(QUERIES[5])
    fetch.end.set_result(ANSWERS)
    assert await task == ANSWERS
    assert await asyncio.gather(*followers) == [ANSWERS[WEEK[number]] for number in (0, 3, 6)]
    assert fetching.asked == []
    assert not any(map(single_flight.is_in_flight, QUERIES))


async def test_a_day_that_failed_is_an_error_to_its_followers(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """And a day that the answer leaves open is requested by them."""
    fetch, task = await started(single_flight)
    (failed, open_) = await begun(
        single_flight.fetch_shared(QUERIES[1], CALL), single_flight.fetch_shared(QUERIES[2], CALL)
    )
    fetch.end.set_result({WEEK[1]: ServerError("down", status=500, retryable=True)})
    await task
    with pytest.raises(ServerError):
        await failed
    await settle()
    assert fetching.asked == [QUERIES[2]]
    fetching.ends[0].set_result(ANSWER)
    assert await open_ == ANSWER


@pytest.mark.parametrize(("error", "asked"), [(REJECTED, 1), (AuthenticationError("bad", status=401), 0)])
async def test_an_error_of_the_range(
    error: HourlyClicksError, asked: int, single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """It is not that of a day, so followers request theirs, unless the error is fatal to all."""
    fetch, task = await started(single_flight)
    (follower,) = await begun(single_flight.fetch_shared(QUERIES[1], CALL))
    fetch.end.set_exception(error)
    with pytest.raises(type(error)):
        await task
    await settle()
    assert len(fetching.asked) == asked
    follower.cancel()
    await asyncio.wait([follower])


async def test_a_follower_takes_over_the_whole_range(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """Its priority and its wish for a new answer are those of the request."""
    fetch, task = await started(single_flight)
    urgent = Caller(Job(Lane.INTERACTIVE), Freshness(NOW, refresh=True))
    await begun(single_flight.fetch_shared(QUERIES[4], urgent))
    assert fetching.taken_over == [urgent.job]
    assert (fetch.tasks[0].caller, fetch.tasks[0].refresh) == (urgent, True)
    fetch.end.set_result(ANSWERS)
    await task


async def test_a_cancelled_range_is_lost_to_its_followers(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """They request their days."""
    _, task = await started(single_flight)
    followers = await begun(*(single_flight.fetch_shared(query, CALL) for query in QUERIES[:2]))
    assert await cancelled(task)
    assert fetching.asked == QUERIES[:2]
    for follower in followers:
        await cancelled(follower)


async def test_a_range_that_is_left_running_ends_with_its_last_follower(single_flight: SingleFlight) -> None:
    """Whichever days they follow; until then its worker is not cancelled."""
    _, worker = await started(single_flight)
    assert not single_flight.detach(worker)  # type: ignore[arg-type]  # any task will do
    followers = await begun(*(single_flight.fetch_shared(query, CALL) for query in (QUERIES[2], QUERIES[6])))
    assert single_flight.detach(worker)  # type: ignore[arg-type]  # likewise
    assert await cancelled(followers[0])
    assert not worker.done()
    assert await cancelled(followers[1])
    await settle()
    assert worker.cancelled()
    assert not any(map(single_flight.is_in_flight, QUERIES))


@pytest.mark.parametrize("kind", [OverError, HeldError])
async def test_a_range_whose_job_ends(single_flight: SingleFlight, kind: type[Exception]) -> None:
    """It ends with its own job, and goes on if that of a caller has ended that had taken it over."""
    job = Job(Lane.BACKFILL)
    raised: list[bool] = []

    async def fetch(task: RangeTask) -> None:
        if not raised:
            raised.append(True)
            raise kind
        task.outcomes.update(ANSWERS)

    assert await ranged(single_flight, Caller(job), fetch) == ANSWERS
    raised.clear()
    job.over = kind is OverError
    job.breakers = SimpleNamespace(held=1, holds=lambda _: True)
    with pytest.raises(kind):
        await ranged(single_flight, Caller(job), fetch)
