"""Single flight: concurrent calls for the same day share one request.

The first caller that needs a day is its *leader*: the request runs in its asyncio task. Callers that need the
same day meanwhile are *followers*: they wait for the leader's result and may be cancelled at any time. A
leader that is cancelled must not take the result from its followers, therefore

* a caller of `fetch_shared` never leads in its own asyncio task but in one made for the purpose, which is
  cancelled when its last follower is gone; with a store, a request in flight is completed first, as in
  `hourlyclicks.jobs.finishing`;
* a worker of a pool, which leads in its own task, is not cancelled while it has followers; it finishes that
  one day (see `detach`), unless its last follower is cancelled first.

A request for a range of days answers a task for each of its days (`hourlyclicks.fetching.range_task`), so
that a caller of any of them follows it and gets its day. It runs in the asyncio task of a worker. A day that
the answer leaves open has lost its leader.

A follower of a higher priority than the leader takes the task over, so that no caller waits in a lower
priority than its own.
"""

from __future__ import annotations

import asyncio
import copy
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.range_task import RangeTask
from hourlyclicks.fetching.task import FetchTask
from hourlyclicks.pacing.queue import HeldError, OverError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from hourlyclicks.fetching.range_task import Outcomes
    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.questions import Question
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.queue import Job


_NOT_OF_THE_DAY = (OverError, HeldError)
"""Errors that are true of the job of a leader, and not of the day, which others may still fetch."""


class _LeaderLostError(Exception):
    """The leader was cancelled; one of the followers has to lead."""


class SingleFlight:
    """Fetch days, each with one request at a time.

    Args:
        fetch: fetches one day.
        take_over: moves a task in the queue of the limiter to another job of at least the same priority;
            returns whether it did.
        stores: whether answers are stored, so that a request in flight is completed for its own sake.
    """

    def __init__(
        self,
        fetch: Callable[[FetchTask], Awaitable[DayClicks]],
        take_over: Callable[[FetchTask, Job], bool],
        *,
        stores: bool = False,
    ) -> None:
        self._stores = stores
        self._fetch = fetch
        self._take_over = take_over
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_flight: dict[Query, FetchTask] = {}

    async def fetch(self, query: Query, caller: Caller, *, again: bool = False) -> DayClicks:
        """Fetch a day in the current asyncio task, or follow the task that fetches it already.

        Args:
            query: the day.
            caller: the call that needs it.
            again: whether to send a request even if the store has the day.

        Raises:
            OverError: the job is over.
            HeldError: a circuit breaker of the job keeps the day from being sent.
            HourlyClicksError: the day failed.
        """
        # A client has one loop; to find the running one, Python 3.11 asks the kernel for the process.
        self._loop = loop = self._loop or asyncio.get_running_loop()
        while True:
            mine = FetchTask(caller, query, asyncio.current_task(loop), again=again)
            task = self._in_flight.setdefault(query, mine)
            if task is not mine:
                return await self._follow(task, self._join(task, caller), caller)
            try:
                day = await self._fetch(task)
            except BaseException as error:
                self._resolve_failed(task, error)
                if not isinstance(error, _NOT_OF_THE_DAY) or caller.job.over or caller.job.holds(query):
                    raise
                # true of another caller, which had taken the task over: this one still needs the day
            else:
                self._resolve(task, day)
                return day

    def is_in_flight(self, query: Query) -> bool:
        """Return whether a task for a day is under way."""
        return query in self._in_flight

    async def fetch_range(
        self,
        question: Question,
        days: Sequence[dt.date],
        caller: Caller,
        fetch: Callable[[RangeTask], Awaitable[None]],
        *,
        optional: Collection[dt.date] = (),
        outcomes: Outcomes,
    ) -> None:
        """Fetch a range of days with one request, in the current asyncio task.

        Args:
            question: what to ask.
            days: the days of the question that are needed, in order; none of them is in flight.
            caller: the call that needs them.
            fetch: fetches them.
            optional: those of the days that are asked for only because the others are.
            outcomes: receives what becomes of each day, also if an error follows; those that the answer
                leaves open are not in it.

        Raises:
            OverError: the job is over.
            HeldError: a circuit breaker of the job keeps the days from being sent.
            HourlyClicksError: it failed, for a reason that is not about any of the days.
        """
        while True:
            task = RangeTask(
                caller, question, days, asyncio.current_task(), optional=optional, outcomes=outcomes
            )
            self._in_flight.update((member.query, member) for member in task.members)
            try:
                await self._lead_range(task, fetch)
            except (OverError, HeldError):
                if caller.job.over or caller.job.holds(task.query):
                    raise
                # see `fetch`
            else:
                return

    async def fetch_shared(self, query: Query, caller: Caller) -> DayClicks:
        """Fetch a day in an asyncio task of its own, or follow the task that fetches it already."""
        task = self._in_flight.get(query)
        if task is None:
            task = self._in_flight[query] = FetchTask(caller, query)
            follower = _add_follower(task)  # before the asyncio task exists: an eager one may be done at once
            task.runner = asyncio.create_task(self._run_shared(task))
            task.runner.add_done_callback(partial(self._end_unstarted, task))
        else:
            follower = self._join(task, caller)
        return await self._follow(task, follower, caller)

    async def settled(self, query: Query, caller: Caller) -> None:
        """Wait until no request for a day is under way, whatever comes of it.

        A task that is found here may have its answer already, and only be writing it to the store. So a
        caller that needs a *new* answer waits for its end before calling `fetch`.

        Raises:
            OverError: the job is over.
            HeldError: a circuit breaker of the job keeps the day from being sent.
        """
        while (task := self._in_flight.get(query)) is not None:
            if caller.job.over:
                raise OverError
            if caller.job.holds(query):
                raise HeldError
            follower = self._join(task, caller)
            caller.start_spare()
            try:
                await asyncio.wait([follower])
            finally:
                task.followers.discard(follower)
                self._drop_follower(task, follower)

    def detach(self, runner: asyncio.Task[None]) -> bool:
        """Return whether a worker has followers; from then on it is cancelled with the last of them."""
        for task in self._in_flight.values():
            if task.runner is runner and task.followers:
                task.requested.shared = True
                return True
        return False

    def is_sent(self, query: Query) -> bool:
        """Return whether a request for a day is in flight, or its answer is being stored."""
        task = self._in_flight.get(query)
        return task is not None and task.requested.sent

    def has_sent(self, runner: asyncio.Task[None]) -> bool:
        """Return whether a request of a worker is in flight."""
        return any(task.runner is runner and task.sent for task in self._in_flight.values())

    def sent(self) -> list[asyncio.Task[object]]:
        """Return the asyncio tasks that were made for followers, and have a request in flight."""
        return [
            task.runner
            for task in self._in_flight.values()
            if task.shared and task.requested.sent and task.runner is not None
        ]

    async def close(self) -> None:
        """Cancel the asyncio tasks that were made for followers, and wait until they have ended."""
        runners = [
            task.runner for task in self._in_flight.values() if task.shared and task.runner is not None
        ]
        for runner in runners:
            runner.cancel()
        if runners:
            await asyncio.wait(runners)

    # -- inside -----------------------------------------------------------------------------------------

    def _join(self, task: FetchTask, caller: Caller) -> asyncio.Future[DayClicks]:
        """Let another caller follow; return the future of its result."""
        requested = task.requested
        requested.unattended = False
        requested.refresh = requested.refresh or caller.freshness.refresh
        if self._take_over(requested, caller.job):
            requested.caller = caller
        return _add_follower(task)

    async def _lead_range(self, task: RangeTask, fetch: Callable[[RangeTask], Awaitable[None]]) -> None:
        lost: Exception = _LeaderLostError()
        try:
            await fetch(task)
        except HourlyClicksError as error:
            if error.fatal:
                lost = error
            raise
        finally:
            for member in task.members:
                self._resolve(member, task.outcomes.get(member.query.day, lost))

    async def _run_shared(self, task: FetchTask) -> None:
        try:
            day = await self._fetch(task)
        except BaseException as error:
            self._resolve_failed(task, error)
            if not isinstance(error, Exception):  # all others are the followers'
                raise
        else:
            self._resolve(task, day)

    def _resolve_failed(self, task: FetchTask, error: BaseException) -> None:
        """Pass an error to the followers, or let one of them lead next if it is true of the leader only."""
        if isinstance(error, Exception) and not isinstance(error, _NOT_OF_THE_DAY):
            self._resolve(task, error)
        else:
            self._resolve(task, _LeaderLostError())

    def _end_unstarted(self, task: FetchTask, _: asyncio.Task[object]) -> None:
        """Resolve the followers of a task that was cancelled before it had begun."""
        self._resolve(task, _LeaderLostError())

    def _resolve(self, task: FetchTask, outcome: DayClicks | Exception) -> None:
        """Allow the next task for that day, and pass the outcome to the followers of this one."""
        resolved = self._in_flight.pop(task.query, task)
        if resolved is not task:  # the next one for the same day
            self._in_flight[task.query] = resolved
        for follower in task.followers:
            if follower.done():
                continue
            if isinstance(outcome, HourlyClicksError):
                follower.set_exception(copy.copy(outcome))
            elif isinstance(outcome, Exception):
                follower.set_exception(outcome)
            else:
                follower.set_result(outcome)

    async def _follow(
        self, task: FetchTask, follower: asyncio.Future[DayClicks], caller: Caller
    ) -> DayClicks:
        """Wait for the result of the leader; lead in its place when it is lost.

        The leader can end without a result: it was cancelled, or its job ended while this one goes on. Every
        follower then calls `fetch_shared`, and the first of them makes a new shared task, which the others
        follow. It asks its own job first, because that may have ended or parked the target meanwhile.
        """
        caller.start_spare()
        try:
            return await follower
        except _LeaderLostError:
            pass
        finally:
            task.followers.discard(follower)
            self._drop_follower(task, follower)
        if caller.job.over:
            raise OverError
        if caller.job.holds(task.query):
            raise HeldError
        return await self.fetch_shared(task.query, caller)

    def _drop_follower(self, task: FetchTask, follower: asyncio.Future[DayClicks]) -> None:
        """Cancel a task made for its followers when the last of them was cancelled.

        A follower that has its result came to the end by itself, and the task is done. If it was cancelled in
        the same turn of the loop in which the result arrived, an exception in its future is marked as seen,
        or the event loop would log it as never retrieved. A task that is to be cancelled is removed first, so
        that a caller that comes before it has ended does not follow it but leads anew. With a store, a
        request in flight is completed instead.
        """
        requested = task.requested
        if follower.done() and not follower.cancelled():
            follower.exception()
        elif requested.shared and not requested.followed and task.runner is not None:
            if self._stores and requested.sent:
                requested.unattended = True
                return
            for member in task.requested.members:
                if self._in_flight.get(member.query) is member:
                    del self._in_flight[member.query]
            task.runner.cancel()


def _add_follower(task: FetchTask) -> asyncio.Future[DayClicks]:
    """Add a follower to a task; return the future of its result."""
    follower: asyncio.Future[DayClicks] = asyncio.get_running_loop().create_future()
    task.followers.add(follower)
    return follower
