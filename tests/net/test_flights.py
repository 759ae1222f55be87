"""Identical questions in flight are one request, whoever waits, leaves or dies."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks.errors import ServerError, UsageError
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Link, Query
from hourlyclicks.net.flights import Flights
from hourlyclicks.pacing.errand import Errand
from hourlyclicks.pacing.lanes import Call, Lane
from hourlyclicks.store.terms import Terms
from tests.net.asking import DAY, QUERY

if TYPE_CHECKING:
    from collections.abc import Coroutine

CALL = Call(Lane.INTERACTIVE)
NOTHING: tuple[int | None, ...] = (None,) * 24
NOW = dt.datetime(2025, 5, 1, tzinfo=dt.UTC)
ANSWER = DayClicks(DAY, NOTHING, NOTHING, dt.datetime(2025, 5, 1, tzinfo=dt.UTC), final=True)


@attrs.define
class Landing:
    """A fetch that ends when and as the test says."""

    asked: list[Query] = attrs.Factory(list)
    cancelled: int = 0
    taken_over: list[Call] = attrs.Factory(list)
    ends: list[asyncio.Future[DayClicks]] = attrs.Factory(list)
    errands: list[Errand] = attrs.Factory(list)

    async def __call__(self, errand: Errand) -> DayClicks:
        """Stand in for the fetcher."""
        self.asked.append(errand.query)
        self.errands.append(errand)
        end: asyncio.Future[DayClicks] = asyncio.get_running_loop().create_future()
        self.ends.append(end)
        try:
            return await end
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    def hand_over(self, _errand: Errand, call: Call) -> None:
        """Stand in for the limiter."""
        self.taken_over.append(call)


@pytest.fixture
def landing() -> Landing:
    """A fetch under control."""
    return Landing()


@pytest.fixture
def flights(landing: Landing) -> Flights:
    """Flights that fetch so."""
    return Flights(landing, landing.hand_over)


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


async def test_two_who_ask_the_same_share_one_request(flights: Flights, landing: Landing) -> None:
    """The second waits for the answer of the first."""
    tasks = await begun(flights.share(QUERY, CALL), flights.share(QUERY, CALL))
    assert landing.asked == [QUERY]
    landing.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER, ANSWER]


async def test_whoever_follows_may_take_the_errand_over(flights: Flights, landing: Landing) -> None:
    """The limiter is told of every call that joins a flight, whichever way it joins, and of no other."""
    first, second, third = (Call(Lane.BACKFILL), Call(Lane.INTERACTIVE), Call(Lane.INTERACTIVE))
    tasks = await begun(flights.fly(QUERY, first), flights.share(QUERY, second), flights.fly(QUERY, third))
    assert landing.taken_over == [second, third]
    landing.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER] * 3


@pytest.mark.parametrize("leads", [True, False])
async def test_a_day_is_refreshed_if_any_call_wants_that(
    flights: Flights, landing: Landing, *, leads: bool
) -> None:
    """Whoever asked first, and whoever takes the errand over."""
    wants, takes = (Call(Lane.INTERACTIVE, terms=Terms(NOW, refresh=refresh)) for refresh in (True, False))
    first, second = (wants, takes) if leads else (takes, wants)
    await begun(flights.share(QUERY, first), flights.fly(QUERY, second))
    landing.errands[0].call = takes
    assert landing.errands[0].terms == Terms(NOW, refresh=True)
    assert takes.terms == Terms(NOW)
    await flights.close()


async def test_another_question_is_another_request(flights: Flights, landing: Landing) -> None:
    """Neither another day nor another target is the same question."""
    others = [Query(DAY, Link("other", "https://vvd.bz")), Query(DAY + dt.timedelta(1), QUERY.target)]
    await begun(*(flights.share(query, CALL) for query in (QUERY, *others)))
    assert landing.asked == [QUERY, *others]
    await flights.close()


async def test_what_has_landed_is_asked_again(flights: Flights, landing: Landing) -> None:
    """An answer is for those who waited for it, not for later."""
    for _ in range(2):
        (task,) = await begun(flights.share(QUERY, CALL))
        landing.ends[-1].set_result(ANSWER)
        assert await task == ANSWER
    assert len(landing.asked) == 2


@pytest.mark.parametrize("leaving", [0, 1])
async def test_one_who_leaves_takes_nobody_along(leaving: int, flights: Flights, landing: Landing) -> None:
    """Cancelling the first or the second to ask disturbs neither the other nor the request."""
    tasks = await begun(flights.share(QUERY, CALL), flights.share(QUERY, CALL))
    assert await cancelled(tasks[leaving])
    landing.ends[0].set_result(ANSWER)
    assert await tasks[1 - leaving] == ANSWER
    assert (len(landing.asked), landing.cancelled) == (1, 0)


async def test_the_last_to_leave_ends_the_request(flights: Flights, landing: Landing) -> None:
    """When nobody waits any more the request is cancelled, and a new question is a new request."""
    tasks = await begun(flights.share(QUERY, CALL), flights.share(QUERY, CALL))
    assert [await cancelled(task) for task in tasks] == [True, True]
    assert landing.cancelled == 1
    (task,) = await begun(flights.share(QUERY, CALL))
    landing.ends[1].set_result(ANSWER)
    assert await task == ANSWER


async def test_who_comes_as_the_last_one_leaves_asks_anew(flights: Flights, landing: Landing) -> None:
    """A request that is being cancelled is not followed."""
    (first,) = await begun(flights.share(QUERY, CALL))
    first.cancel()
    (second,) = await begun(flights.share(QUERY, CALL))
    assert len(landing.asked) == 2
    landing.ends[1].set_result(ANSWER)
    assert await second == ANSWER
    assert first.cancelled()


async def test_cancelled_just_as_the_answer_comes(flights: Flights, landing: Landing) -> None:
    """Whoever is cancelled in the very moment of the answer is cancelled, and others get the answer."""
    tasks = await begun(flights.share(QUERY, CALL), flights.share(QUERY, CALL))
    landing.ends[0].set_result(ANSWER)
    await asyncio.sleep(0)
    tasks[0].cancel()
    await settle()
    assert tasks[0].cancelled()
    assert await tasks[1] == ANSWER


async def test_a_failure_is_told_to_all(flights: Flights, landing: Landing) -> None:
    """Everybody who waited gets the error, each an own copy of it."""
    tasks = await begun(flights.share(QUERY, CALL), flights.share(QUERY, CALL))
    landing.ends[0].set_exception(ServerError("down", status=500, retryable=True))
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [ServerError, ServerError]
    assert errors[0] is not errors[1]
    assert [str(error) for error in errors] == ["down", "down"]


@pytest.mark.usefixtures("complaints")
async def test_a_failure_nobody_waits_for_is_silent(flights: Flights, landing: Landing) -> None:
    """A follower who is cancelled in the very moment of the failure leaves no complaint behind."""
    (task,) = await begun(flights.share(QUERY, CALL))
    landing.ends[0].set_exception(ServerError("down", status=500, retryable=True))
    await asyncio.sleep(0)
    task.cancel()
    await settle()
    assert task.cancelled()


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("how", ["share", "fly"])
async def test_a_bug_is_told_to_all_and_not_tried_again(how: str, flights: Flights, landing: Landing) -> None:
    """An exception that is none of ours ends the request for everybody; nobody asks again for ever."""
    tasks = await begun(getattr(flights, how)(QUERY, CALL), flights.share(QUERY, CALL))
    landing.ends[0].set_exception(ZeroDivisionError())
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error) for error in errors] == [ZeroDivisionError, ZeroDivisionError]
    assert len(landing.asked) == 1
    landing.ends.clear()  # the exception in there keeps the task alive


# -- workers --------------------------------------------------------------------------------------------


async def test_a_worker_leads_in_its_own_task(flights: Flights, landing: Landing) -> None:
    """A worker makes its request itself, and whoever comes meanwhile waits for it."""
    tasks = await begun(flights.fly(QUERY, CALL), flights.share(QUERY, CALL), flights.fly(QUERY, CALL))
    landing.ends[0].set_result(ANSWER)
    assert await asyncio.gather(*tasks) == [ANSWER] * 3
    assert len(landing.asked) == 1


async def test_a_worker_follows_like_everybody(flights: Flights, landing: Landing) -> None:
    """A worker that comes second waits for the first, and may leave."""
    shared, flown = await begun(flights.share(QUERY, CALL), flights.fly(QUERY, CALL))
    assert await cancelled(flown)
    landing.ends[0].set_result(ANSWER)
    assert await shared == ANSWER
    assert len(landing.asked) == 1


async def test_a_worker_goes_on_when_its_followers_leave(flights: Flights, landing: Landing) -> None:
    """A worker that others followed for a while works on for its own sake."""
    worker, follower = await begun(flights.fly(QUERY, CALL), flights.share(QUERY, CALL))
    assert await cancelled(follower)
    landing.ends[0].set_result(ANSWER)
    assert await worker == ANSWER
    assert landing.cancelled == 0


async def test_a_worker_that_dies_is_replaced(flights: Flights, landing: Landing) -> None:
    """When a leading worker is cancelled all the same, one of its followers leads, for all of them."""
    worker, *followers = await begun(
        flights.fly(QUERY, CALL), flights.share(QUERY, CALL), flights.share(QUERY, CALL)
    )
    assert await cancelled(worker)
    assert len(landing.asked) == 2
    landing.ends[1].set_result(ANSWER)
    assert await asyncio.gather(*followers) == [ANSWER, ANSWER]


async def test_a_worker_nobody_follows_is_not_adopted(flights: Flights, landing: Landing) -> None:
    """A worker is kept only for the sake of others."""
    worker, following = await begun(flights.fly(QUERY, CALL), flights.fly(QUERY, CALL))
    assert not flights.adopt(following)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(following)
    assert not flights.adopt(worker)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(worker)
    assert landing.cancelled == 1


async def test_an_adopted_worker_ends_with_its_last_follower(flights: Flights, landing: Landing) -> None:
    """A worker that is kept for the sake of others is cancelled when the last of them leaves."""
    worker, *followers = await begun(
        flights.fly(QUERY, CALL), flights.share(QUERY, CALL), flights.share(QUERY, CALL)
    )
    assert flights.adopt(worker)  # type: ignore[arg-type]  # any task will do
    assert await cancelled(followers[0])
    assert not worker.done()
    assert await cancelled(followers[1])
    assert worker.cancelled()
    assert (len(landing.asked), landing.cancelled) == (1, 1)


# -- the end --------------------------------------------------------------------------------------------


async def test_closing_cancels_what_is_under_way(flights: Flights, landing: Landing) -> None:
    """Closing ends the requests made for followers, and waits until they are gone."""
    (task,) = await begun(flights.share(QUERY, CALL))
    closing = asyncio.create_task(flights.close())
    await settle()
    assert closing.done()
    assert landing.cancelled == 1
    landing.ends[1].set_exception(ServerError("closed", status=500, retryable=False))  # they ask once more
    with pytest.raises(ServerError, match="closed"):
        await task


async def test_closing_with_nothing_under_way(flights: Flights) -> None:
    """Closing with nothing to do is nothing."""
    await flights.close()


async def test_closing_before_the_request_has_begun(flights: Flights, landing: Landing) -> None:
    """Whoever had just asked when everything was closed is not left waiting for ever."""
    asking = asyncio.create_task(flights.share(QUERY, CALL))
    closing = asyncio.create_task(flights.close())
    await settle()
    assert closing.done()
    assert len(landing.asked) == 1  # asked again, by which time the fetcher knows that it is over
    landing.ends[0].set_exception(ServerError("closed", status=500, retryable=False))
    with pytest.raises(ServerError, match="closed"):
        await asking


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks always begin later there")
async def test_a_task_that_is_done_at_once() -> None:
    """With a task factory that begins tasks at once, an answer may be there before anybody waits for it."""

    async def fetch(_errand: Errand) -> DayClicks:
        raise UsageError("no")

    flights = Flights(fetch, lambda _errand, _call: None)
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]  # new in 3.12
    with pytest.raises(UsageError):
        await asyncio.wait_for(flights.share(QUERY, CALL), 10)
