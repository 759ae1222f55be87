"""Single flight: identical questions at the same time are one request.

The first caller that asks for a day is its *leader*: the request runs in its task. Callers that ask for the
same day meanwhile are *followers*: they wait for the leader's answer and may leave at any time. A leader that
is cancelled must not take the answer of its followers with it, therefore

* a caller of `fetch_shared` never leads in its own task but in one made for the purpose, which is cancelled
  when its last follower is gone;
* a worker of a pool, which leads in its own task, is not cancelled while it is followed; it is let finish
  that one day (see `detach`), unless its last follower goes first.

A follower of a higher priority than the leader takes the task over, so that no caller waits in a lower
priority than its own.
"""

from __future__ import annotations

import asyncio
import copy
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.task import FetchTask
from hourlyclicks.pacing.queue import HeldError, OverError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.fetching.task import Caller
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.queue import Job


class _LeaderLostError(Exception):
    """The leader was cancelled; one of the followers has to lead."""


class SingleFlight:
    """Fetch days, each only once at a time.

    Args:
        fetch: fetches one day.
        take_over: moves a task in the queue of the limiter to another job, if that is as urgent; returns
            whether it did.
    """

    def __init__(
        self,
        fetch: Callable[[FetchTask], Awaitable[DayClicks]],
        take_over: Callable[[FetchTask, Job], bool],
    ) -> None:
        self._fetch = fetch
        self._take_over = take_over
        self._in_flight: dict[Query, FetchTask] = {}

    async def fetch(self, query: Query, caller: Caller, *, again: bool = False) -> DayClicks:
        """Fetch a day in the present task, or follow the one that fetches it already.

        Args:
            query: the day.
            caller: on whose behalf.
            again: whether to ask even if the store has it.

        Raises:
            OverError: the job is over.
            HeldError: a circuit breaker of the job keeps the day from being sent.
            HourlyClicksError: the day failed.
        """
        while True:
            mine = FetchTask(caller, query, asyncio.current_task(), again=again)
            task = self._in_flight.setdefault(query, mine)
            if task is not mine:
                return await self._follow(task, self._join(task, caller), caller)
            try:
                return await self._lead(task)
            except (OverError, HeldError):
                if caller.job.over or caller.job.holds(query):
                    raise
                # it was on behalf of another caller that had taken it over

    async def fetch_shared(self, query: Query, caller: Caller) -> DayClicks:
        """Fetch a day in a task of its own, or follow the one that fetches it already."""
        task = self._in_flight.get(query)
        if task is None:
            task = self._in_flight[query] = FetchTask(caller, query)
            follower = _follower(task)  # before the task is made, which may be done at once
            task.runner = asyncio.create_task(self._lead_shared(task))
            task.runner.add_done_callback(partial(self._crashed, task))
        else:
            follower = self._join(task, caller)
        return await self._follow(task, follower, caller)

    def detach(self, runner: asyncio.Task[None]) -> bool:
        """Return whether others wait for what a worker is fetching; it then ends with the last of them."""
        for task in self._in_flight.values():
            if task.runner is runner and task.followers:
                task.shared = True
                return True
        return False

    def has_sent(self, runner: asyncio.Task[None]) -> bool:
        """Return whether a request of a worker is under way, whose answer is still to come."""
        return any(task.runner is runner and task.sent for task in self._in_flight.values())

    async def close(self) -> None:
        """Cancel what runs in tasks of its own, and wait until these are gone."""
        runners = [
            task.runner for task in self._in_flight.values() if task.shared and task.runner is not None
        ]
        for runner in runners:
            runner.cancel()
        if runners:
            await asyncio.wait(runners)

    # -- inside -----------------------------------------------------------------------------------------

    def _join(self, task: FetchTask, caller: Caller) -> asyncio.Future[DayClicks]:
        """Let another caller follow; return what the answer will be given to."""
        task.refresh = task.refresh or caller.freshness.refresh
        if self._take_over(task, caller.job):
            task.caller = caller
        return _follower(task)

    async def _lead(self, task: FetchTask) -> DayClicks:
        try:
            day = await self._fetch(task)
        except (OverError, HeldError):  # true of the leader's job, not of its followers'
            self._resolve(task, _LeaderLostError())
            raise
        except Exception as error:
            self._resolve(task, error)
            raise
        except BaseException:
            self._resolve(task, _LeaderLostError())
            raise
        self._resolve(task, day)
        return day

    async def _lead_shared(self, task: FetchTask) -> None:
        with suppress(Exception):  # the followers are told
            await self._lead(task)

    def _crashed(self, task: FetchTask, _: asyncio.Task[object]) -> None:
        """Tell those who follow a task that was cancelled before it had begun."""
        self._resolve(task, _LeaderLostError())

    def _resolve(self, task: FetchTask, outcome: DayClicks | Exception) -> None:
        """Make room for the next task for that day, and give the outcome to the followers of this one."""
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
        caller.start_spare()
        try:
            return await follower
        except _LeaderLostError:
            pass
        finally:
            task.followers.discard(follower)
            self._left(task, follower)
        if caller.job.over:
            raise OverError
        if caller.job.holds(task.query):
            raise HeldError
        return await self.fetch_shared(task.query, caller)

    def _left(self, task: FetchTask, follower: asyncio.Future[DayClicks]) -> None:
        """Cancel a task made for its followers when the last of them has left early."""
        if follower.done() and not follower.cancelled():
            follower.exception()  # seen, even if a cancelled follower did not take it
        elif task.shared and not task.followers and task.runner is not None:
            if self._in_flight.get(task.query) is task:
                del self._in_flight[task.query]
            task.runner.cancel()


def _follower(task: FetchTask) -> asyncio.Future[DayClicks]:
    """Return what the answer of a task will be given to."""
    follower: asyncio.Future[DayClicks] = asyncio.get_running_loop().create_future()
    task.followers.add(follower)
    return follower
