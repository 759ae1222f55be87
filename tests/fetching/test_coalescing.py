"""Identical questions in flight are one request, whoever waits, leaves or dies."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks.errors import ServerError, UsageError
from hourlyclicks.fetching.coalescing import SingleFlight
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Link, Query
from hourlyclicks.pacing.queue import Job, Lane
from hourlyclicks.store.freshness import Freshness
from tests.fetching.asking import DAY, QUERY

if TYPE_CHECKING:
    from collections.abc import Coroutine

CALL = Caller(Job(Lane.INTERACTIVE))
NOTHING: tuple[int | None, ...] = (None,) * 24
NOW = dt.datetime(2025, 5, 1, tzinfo=dt.UTC)
ANSWER = DayClicks(DAY, NOTHING, NOTHING, dt.datetime(2025, 5, 1, tzinfo=dt.UTC), final=True)


@attrs.define
class Landing:
    """A fetch that ends when and as the test says."""

    asked: list[Query] = attrs.Factory(list)
    cancelled: int = 0
    taken_over: list[Job] = attrs.Factory(list)
    ends: list[asyncio.Future[DayClicks]] = attrs.Factory(list)
    tasks: list[FetchTask] = attrs.Factory(list)

    async def __call__(self, task: FetchTask) -> DayClicks:
        """Stand in for the fetcher."""
        self.asked.append(task.query)
        self.tasks.append(task)
        end: asyncio.Future[DayClicks] = asyncio.get_running_loop().create_future()
        self.ends.append(end)
        try:
            return await end
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def take_over(self, _task: FetchTask, job: Job) -> bool:
        """Stand in for the limiter."""
        self.taken_over.append(job)
        return True


@pytest.fixture
def landing() -> Landing:
    """A fetch under control."""
    return Landing()


@pytest.fixture
def single_flight(landing: Landing) -> SingleFlight:
    """Flights that fetch so."""
    return SingleFlight(landing, landing.take_over)


async def settle() -> None:
    """Let everything that can happen happen."""
    for _ in range(10):
        await asyncio.sleep(0)


async def begun(*works: Coroutine[Any, Any, DayClicks]) -> list[asyncio.Task[DayClicks]]:
    """Start tasks and let them get to where they wait."""
    tasks = [asyncio.create_task(work) for work in works]
    await settle()
    return tasks


async def cancelled(task: asyncio.Task[Any]) -> bool:
    """Cancel a task; return whether it ended as cancelled, at once."""
    task.cancel()
    await settle()
    return task.cancelled()


async def test_two_who_ask_the_same_share_one_request(single_flight: SingleFlight, landing: Landing) -> None:
    """The second waits for the answer of the first."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert landing.asked == [QUERY]
    landing.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER, ANSWER]


async def test_whoever_follows_may_take_the_task_over(single_flight: SingleFlight, landing: Landing) -> None:
    """The limiter is told of every call that joins a flight, whichever way it joins, and of no other."""
    first, second, third = (
        Caller(Job(Lane.BACKFILL)),
        Caller(Job(Lane.INTERACTIVE)),
        Caller(Job(Lane.INTERACTIVE)),
    )
    tasks = await begun(
        single_flight.fetch(QUERY, first),
        single_flight.fetch_shared(QUERY, second),
        single_flight.fetch(QUERY, third),
    )
    assert landing.taken_over == [second.job, third.job]
    landing.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER] * 3


@pytest.mark.parametrize("leads", [True, False])
async def test_a_day_is_refreshed_if_any_call_wants_that(
    single_flight: SingleFlight, landing: Landing, *, leads: bool
) -> None:
    """Whoever asked first, and whoever takes the errand over."""
    needs_request, takes = (
        Caller(Job(Lane.INTERACTIVE), Freshness(NOW, refresh=refresh)) for refresh in (True, False)
    )
    first, second = (needs_request, takes) if leads else (takes, needs_request)
    await begun(single_flight.fetch_shared(QUERY, first), single_flight.fetch(QUERY, second))
    landing.tasks[0].caller = takes
    assert landing.tasks[0].freshness == Freshness(NOW, refresh=True)
    assert takes.freshness == Freshness(NOW)
    await single_flight.close()


async def test_another_question_is_another_request(single_flight: SingleFlight, landing: Landing) -> None:
    """Neither another day nor another target is the same question."""
    others = [Query(DAY, Link("other", "https://vvd.bz")), Query(DAY + dt.timedelta(1), QUERY.target)]
    await begun(*(single_flight.fetch_shared(query, CALL) for query in (QUERY, *others)))
    assert landing.asked == [QUERY, *others]
    await single_flight.close()


async def test_what_has_landed_is_asked_again(single_flight: SingleFlight, landing: Landing) -> None:
    """An answer is for those who waited for it, not for later."""
    for _ in range(2):
        (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
        landing.ends[-1].set_result(ANSWER)
        assert await task == ANSWER
    assert len(landing.asked) == 2


@pytest.mark.parametrize("leaving", [0, 1])
async def test_one_who_leaves_takes_nobody_along(
    leaving: int, single_flight: SingleFlight, landing: Landing
) -> None:
    """Cancelling the first or the second to ask disturbs neither the other nor the request."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert await cancelled(tasks[leaving])
    landing.ends[0].set_result(ANSWER)
    assert await tasks[1 - leaving] == ANSWER
    assert (len(landing.asked), landing.cancelled) == (1, 0)


async def test_the_last_to_leave_ends_the_request(single_flight: SingleFlight, landing: Landing) -> None:
    """When nobody waits any more the request is cancelled, and a new question is a new request."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert [await cancelled(task) for task in tasks] == [True, True]
    assert landing.cancelled == 1
    (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    landing.ends[1].set_result(ANSWER)
    assert await task == ANSWER


async def test_who_comes_as_the_last_one_leaves_asks_anew(
    single_flight: SingleFlight, landing: Landing
) -> None:
    """A request that is being cancelled is not followed."""
    (first,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    first.cancel()
    (second,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    assert len(landing.asked) == 2
    landing.ends[1].set_result(ANSWER)
    assert await second == ANSWER
    assert first.cancelled()


async def test_cancelled_just_as_the_answer_comes(single_flight: SingleFlight, landing: Landing) -> None:
    """Whoever is cancelled in the very moment of the answer is cancelled, and others get the answer."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    landing.ends[0].set_result(ANSWER)
    await asyncio.sleep(0)
    tasks[0].cancel()
    await settle()
    assert tasks[0].cancelled()
    assert await tasks[1] == ANSWER


async def test_a_failure_is_told_to_all(single_flight: SingleFlight, landing: Landing) -> None:
    """Everybody who waited gets the error, each an own copy of it."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    landing.ends[0].set_exception(ServerError("down", status=500, retryable=True))
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [ServerError, ServerError]
    assert errors[0] is not errors[1]
    assert [str(error) for error in errors] == ["down", "down"]


@pytest.mark.usefixtures("complaints")
async def test_a_failure_nobody_waits_for_is_silent(single_flight: SingleFlight, landing: Landing) -> None:
    """A follower who is cancelled in the very moment of the failure leaves no complaint behind."""
    (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    landing.ends[0].set_exception(ServerError("down", status=500, retryable=True))
    await asyncio.sleep(0)
    task.cancel()
    await settle()
    assert task.cancelled()


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("how", ["fetch_shared", "fetch"])
async def test_a_bug_is_told_to_all_and_not_tried_again(
    how: str, single_flight: SingleFlight, landing: Landing
) -> None:
    """An exception that is none of ours ends the request for everybody; nobody asks again for ever."""
    tasks = await begun(getattr(single_flight, how)(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    landing.ends[0].set_exception(ZeroDivisionError())
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [ZeroDivisionError, ZeroDivisionError]
    assert len(landing.asked) == 1
    landing.ends.clear()  # the exception in there keeps the task alive


# -- workers --------------------------------------------------------------------------------------------


async def test_a_worker_leads_in_its_own_task(single_flight: SingleFlight, landing: Landing) -> None:
    """A worker makes its request itself, and whoever comes meanwhile waits for it."""
    tasks = await begun(
        single_flight.fetch(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
        single_flight.fetch(QUERY, CALL),
    )
    landing.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER] * 3
    assert len(landing.asked) == 1


async def test_a_worker_follows_like_everybody(single_flight: SingleFlight, landing: Landing) -> None:
    """A worker that comes second waits for the first, and may leave."""
    shared, flown = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch(QUERY, CALL))
    assert await cancelled(flown)
    landing.ends[0].set_result(ANSWER)
    assert await shared == ANSWER
    assert len(landing.asked) == 1


async def test_a_worker_goes_on_when_its_followers_leave(
    single_flight: SingleFlight, landing: Landing
) -> None:
    """A worker that others followed for a while works on for its own sake."""
    worker, follower = await begun(single_flight.fetch(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert await cancelled(follower)
    landing.ends[0].set_result(ANSWER)
    assert await worker == ANSWER
    assert landing.cancelled == 0


async def test_a_worker_that_dies_is_replaced(single_flight: SingleFlight, landing: Landing) -> None:
    """When a leading worker is cancelled all the same, one of its followers leads, for all of them."""
    worker, *followers = await begun(
        single_flight.fetch(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
    )
    assert await cancelled(worker)
    assert len(landing.asked) == 2
    landing.ends[1].set_result(ANSWER)
    assert await asyncio.gather(*followers) == [ANSWER, ANSWER]


async def test_a_worker_nobody_follows_is_not_adopted(single_flight: SingleFlight, landing: Landing) -> None:
    """A worker is kept only for the sake of others."""
    worker, following = await begun(single_flight.fetch(QUERY, CALL), single_flight.fetch(QUERY, CALL))
    assert not single_flight.detach(following)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(following)
    assert not single_flight.detach(worker)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(worker)
    assert landing.cancelled == 1


async def test_an_adopted_worker_ends_with_its_last_follower(
    single_flight: SingleFlight, landing: Landing
) -> None:
    """A worker that is kept for the sake of others is cancelled when the last of them leaves."""
    worker, *followers = await begun(
        single_flight.fetch(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
    )
    assert single_flight.detach(worker)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(followers[0])
    assert not worker.done()
    assert await cancelled(followers[1])
    assert worker.cancelled()
    assert (len(landing.asked), landing.cancelled) == (1, 1)


# -- the end --------------------------------------------------------------------------------------------


async def test_closing_cancels_what_is_under_way(single_flight: SingleFlight, landing: Landing) -> None:
    """Closing ends the requests made for followers, and waits until they are gone."""
    (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    closing = asyncio.create_task(single_flight.close())
    await settle()
    assert closing.done()
    assert landing.cancelled == 1
    landing.ends[1].set_exception(ServerError("closed", status=500, retryable=False))  # they ask once more
    with pytest.raises(ServerError, match="closed"):
        await task


async def test_closing_with_nothing_under_way(single_flight: SingleFlight) -> None:
    """Closing with nothing to do is nothing."""
    await single_flight.close()


async def test_closing_before_the_request_has_begun(single_flight: SingleFlight, landing: Landing) -> None:
    """Whoever had just asked when everything was closed is not left waiting for ever."""
    asking = asyncio.create_task(single_flight.fetch_shared(QUERY, CALL))
    closing = asyncio.create_task(single_flight.close())
    await settle()
    assert closing.done()
    assert len(landing.asked) == 1  # asked again, by which time the fetcher knows that it is over
    landing.ends[0].set_exception(ServerError("closed", status=500, retryable=False))
    with pytest.raises(ServerError, match="closed"):
        await asking


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks always begin later there")
async def test_a_task_that_is_done_at_once() -> None:
    """With a task factory that begins tasks at once, an answer may be there before anybody waits for it."""

    async def fetch(_task: FetchTask) -> DayClicks:
        raise UsageError("no")

    single_flight = SingleFlight(fetch, lambda _task, _job: False)
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # new in 3.12
    with pytest.raises(UsageError):
        await asyncio.wait_for(single_flight.fetch_shared(QUERY, CALL), 10)
