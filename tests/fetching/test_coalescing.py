"""Concurrent calls for the same day are one request, whichever of them is first or is cancelled."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks.errors import ServerError, UsageError
from hourlyclicks.fetching.coalescing import SingleFlight
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Link, Query
from hourlyclicks.pacing.queue import HeldError, Job, Lane, OverError
from hourlyclicks.store.freshness import Freshness
from tests.fetching.asking import DAY, QUERY

if TYPE_CHECKING:
    from collections.abc import Coroutine

CALL = Caller(Job(Lane.INTERACTIVE))
NOTHING: tuple[int | None, ...] = (None,) * 24
NOW = dt.datetime(2025, 5, 1, tzinfo=dt.UTC)
ANSWER = DayClicks(DAY, NOTHING, NOTHING, dt.datetime(2025, 5, 1, tzinfo=dt.UTC), final=True)


@attrs.define
class ControlledFetch:
    """A fetch that ends when the test says, with what it says."""

    asked: list[Query] = attrs.Factory(list)
    cancelled: int = 0
    taken_over: list[Job] = attrs.Factory(list)
    ends: list[asyncio.Future[DayClicks]] = attrs.Factory(list)
    tasks: list[FetchTask] = attrs.Factory(list)

    async def __call__(self, task: FetchTask) -> DayClicks:
        """Take the place of the fetcher."""
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
        """Take the place of the limiter."""
        self.taken_over.append(job)
        return True


@pytest.fixture
def fetching() -> ControlledFetch:
    """A fetch that the test controls."""
    return ControlledFetch()


@pytest.fixture
def single_flight(fetching: ControlledFetch) -> SingleFlight:
    """Single flight over the controlled fetch."""
    return SingleFlight(fetching, fetching.take_over)


async def settle() -> None:
    """Run the event loop a few times."""
    for _ in range(10):
        await asyncio.sleep(0)


async def begun(*works: Coroutine[Any, Any, DayClicks]) -> list[asyncio.Task[DayClicks]]:
    """Start tasks and run them to where they wait."""
    tasks = [asyncio.create_task(work) for work in works]
    await settle()
    return tasks


async def cancelled(task: asyncio.Task[Any]) -> bool:
    """Cancel a task; return whether it ended as cancelled, at once."""
    task.cancel()
    await settle()
    return task.cancelled()


async def test_two_calls_for_one_day_share_one_request(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """The second waits for the answer of the first."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert fetching.asked == [QUERY]
    fetching.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER, ANSWER]


async def test_waiting_until_a_day_is_settled(single_flight: SingleFlight, fetching: ControlledFetch) -> None:
    """It ends with the request that is under way, whatever comes of it, and sends none."""
    (fetching_task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    waiting = asyncio.create_task(single_flight.settled(QUERY, CALL))
    await settle()
    assert not waiting.done()
    fetching.ends[0].set_exception(ServerError("busy", status=500, retryable=True))
    await waiting
    assert fetching.asked == [QUERY]
    with pytest.raises(ServerError):
        await fetching_task


@pytest.mark.parametrize("held", [False, True])
async def test_a_job_that_is_over_or_held_waits_for_nothing(
    single_flight: SingleFlight, fetching: ControlledFetch, *, held: bool
) -> None:
    """It neither waits for the request of another job nor takes it over."""
    await begun(single_flight.fetch_shared(QUERY, CALL))
    job = Job(Lane.BACKFILL)
    job.over = not held
    if held:
        job.breakers = SimpleNamespace(held=1, holds=lambda _: True)
    with pytest.raises(HeldError if held else OverError):
        await single_flight.settled(QUERY, Caller(job))
    assert fetching.taken_over == []
    await single_flight.close()


async def test_a_follower_may_take_the_task_over(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """The limiter is told of every follower, by either method, and of no other caller."""
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
    assert fetching.taken_over == [second.job, third.job]
    fetching.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER] * 3


@pytest.mark.parametrize("leads", [True, False])
async def test_a_day_is_refreshed_if_any_call_wants_that(
    single_flight: SingleFlight, fetching: ControlledFetch, *, leads: bool
) -> None:
    """It is, whether that call leads or follows, and whichever call takes the task over."""
    needs_request, takes = (
        Caller(Job(Lane.INTERACTIVE), Freshness(NOW, refresh=refresh)) for refresh in (True, False)
    )
    first, second = (needs_request, takes) if leads else (takes, needs_request)
    await begun(single_flight.fetch_shared(QUERY, first), single_flight.fetch(QUERY, second))
    fetching.tasks[0].caller = takes
    assert fetching.tasks[0].freshness == Freshness(NOW, refresh=True)
    assert takes.freshness == Freshness(NOW)
    await single_flight.close()


async def test_another_question_is_another_request(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """Another day or another target is another request."""
    others = [Query(DAY, Link("other", "https://vvd.bz")), Query(DAY + dt.timedelta(1), QUERY.target)]
    await begun(*(single_flight.fetch_shared(query, CALL) for query in (QUERY, *others)))
    assert fetching.asked == [QUERY, *others]
    await single_flight.close()


async def test_a_result_is_not_reused(single_flight: SingleFlight, fetching: ControlledFetch) -> None:
    """A result is for the calls that waited for it, not for later ones."""
    for _ in range(2):
        (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
        fetching.ends[-1].set_result(ANSWER)
        assert await task == ANSWER
    assert len(fetching.asked) == 2


@pytest.mark.parametrize("leaving", [0, 1])
async def test_a_cancelled_call_disturbs_no_other(
    leaving: int, single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """Cancelling the leader or the follower affects neither the other nor the request."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert await cancelled(tasks[leaving])
    fetching.ends[0].set_result(ANSWER)
    assert await tasks[1 - leaving] == ANSWER
    assert (len(fetching.asked), fetching.cancelled) == (1, 0)


async def test_the_last_to_leave_ends_the_request(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """When the last call is cancelled, so is the request, and a new call is a new request."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert [await cancelled(task) for task in tasks] == [True, True]
    assert fetching.cancelled == 1
    (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    fetching.ends[1].set_result(ANSWER)
    assert await task == ANSWER


async def test_a_call_that_comes_as_the_last_one_leaves_is_a_new_request(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """A request that is being cancelled is not followed."""
    (first,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    first.cancel()
    (second,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    assert len(fetching.asked) == 2
    fetching.ends[1].set_result(ANSWER)
    assert await second == ANSWER
    assert first.cancelled()


async def test_cancelled_just_as_the_answer_comes(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """A call that is cancelled at the moment of the answer is cancelled, and others get the answer."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    fetching.ends[0].set_result(ANSWER)
    await asyncio.sleep(0)
    tasks[0].cancel()
    await settle()
    assert tasks[0].cancelled()
    assert await tasks[1] == ANSWER


async def test_all_calls_get_the_failure(single_flight: SingleFlight, fetching: ControlledFetch) -> None:
    """Each call that waited gets the error, as a copy of its own."""
    tasks = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    fetching.ends[0].set_exception(ServerError("down", status=500, retryable=True))
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [ServerError, ServerError]
    assert errors[0] is not errors[1]
    assert [str(error) for error in errors] == ["down", "down"]


@pytest.mark.usefixtures("complaints")
async def test_a_failure_that_no_call_waits_for_is_silent(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """A follower that is cancelled at the moment of the failure causes no complaint."""
    (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    fetching.ends[0].set_exception(ServerError("down", status=500, retryable=True))
    await asyncio.sleep(0)
    task.cancel()
    await settle()
    assert task.cancelled()


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("how", ["fetch_shared", "fetch"])
async def test_all_calls_get_a_bug_and_it_is_not_retried(
    how: str, single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """Another exception than ours ends the request for all calls, and none retries it."""
    tasks = await begun(getattr(single_flight, how)(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    fetching.ends[0].set_exception(ZeroDivisionError())
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [ZeroDivisionError, ZeroDivisionError]
    assert len(fetching.asked) == 1
    fetching.ends.clear()  # the exception in there keeps the task alive


# -- workers --------------------------------------------------------------------------------------------


async def test_a_worker_leads_in_its_own_task(single_flight: SingleFlight, fetching: ControlledFetch) -> None:
    """A worker makes its request itself, and calls that come meanwhile wait for it."""
    tasks = await begun(
        single_flight.fetch(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
        single_flight.fetch(QUERY, CALL),
    )
    fetching.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER] * 3
    assert len(fetching.asked) == 1


async def test_a_worker_follows_like_any_call(single_flight: SingleFlight, fetching: ControlledFetch) -> None:
    """A worker that comes second waits for the first, and may leave."""
    shared, following = await begun(single_flight.fetch_shared(QUERY, CALL), single_flight.fetch(QUERY, CALL))
    assert await cancelled(following)
    fetching.ends[0].set_result(ANSWER)
    assert await shared == ANSWER
    assert len(fetching.asked) == 1


async def test_a_worker_goes_on_when_its_followers_leave(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """A worker whose followers are cancelled continues for itself."""
    worker, follower = await begun(single_flight.fetch(QUERY, CALL), single_flight.fetch_shared(QUERY, CALL))
    assert await cancelled(follower)
    fetching.ends[0].set_result(ANSWER)
    assert await worker == ANSWER
    assert fetching.cancelled == 0


async def test_a_worker_that_dies_is_replaced(single_flight: SingleFlight, fetching: ControlledFetch) -> None:
    """When a leading worker is cancelled, one of its followers leads for all."""
    worker, *followers = await begun(
        single_flight.fetch(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
        single_flight.fetch_shared(QUERY, CALL),
    )
    assert await cancelled(worker)
    assert len(fetching.asked) == 2
    fetching.ends[1].set_result(ANSWER)
    assert await asyncio.gather(*followers) == [ANSWER, ANSWER]


async def test_a_worker_without_followers_is_not_detached(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """A worker is kept only for the sake of others."""
    worker, following = await begun(single_flight.fetch(QUERY, CALL), single_flight.fetch(QUERY, CALL))
    assert not single_flight.detach(following)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(following)
    assert not single_flight.detach(worker)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(worker)
    assert fetching.cancelled == 1


async def test_a_detached_worker_ends_with_its_last_follower(
    single_flight: SingleFlight, fetching: ControlledFetch
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
    assert (len(fetching.asked), fetching.cancelled) == (1, 1)


# -- the end --------------------------------------------------------------------------------------------


async def test_closing_cancels_the_requests_in_flight(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """Closing ends the requests made for followers, and waits until they are gone."""
    (task,) = await begun(single_flight.fetch_shared(QUERY, CALL))
    closing = asyncio.create_task(single_flight.close())
    await settle()
    assert closing.done()
    assert fetching.cancelled == 1
    fetching.ends[1].set_exception(ServerError("closed", status=500, retryable=False))  # they ask once more
    with pytest.raises(ServerError, match="closed"):
        await task


async def test_closing_with_nothing_in_flight(single_flight: SingleFlight) -> None:
    """Without requests, closing returns at once."""
    await single_flight.close()


async def test_closing_before_the_request_has_begun(
    single_flight: SingleFlight, fetching: ControlledFetch
) -> None:
    """A call that had just begun when everything was closed does not wait forever."""
    asking = asyncio.create_task(single_flight.fetch_shared(QUERY, CALL))
    closing = asyncio.create_task(single_flight.close())
    await settle()
    assert closing.done()
    assert len(fetching.asked) == 1  # asked again, by which time the fetcher knows that it is over
    fetching.ends[0].set_exception(ServerError("closed", status=500, retryable=False))
    with pytest.raises(ServerError, match="closed"):
        await asking


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks always begin later there")
async def test_a_task_that_is_done_at_once() -> None:
    """With an eager task factory an answer may be there before any call waits for it."""

    async def fetch(_task: FetchTask) -> DayClicks:
        raise UsageError("no")

    single_flight = SingleFlight(fetch, lambda _task, _job: False)
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # new in 3.12
    with pytest.raises(UsageError):
        await asyncio.wait_for(single_flight.fetch_shared(QUERY, CALL), 10)
