"""Identical questions in flight are one request, whoever waits for the answer.

The first to ask for a day *leads*: the request runs in its task. Whoever asks for the same day meanwhile
*follows*: it waits for the leader's answer and may leave at any time. A leader that is cancelled while
others follow must not take their answer with it, therefore

* a caller of `fetch_shared` never leads in its own task but in one made for the purpose, which is cancelled
  when its last follower is gone;
* a worker of a fan-out, which leads in its own task, is not cancelled while it is followed; it is let finish
  that one day (see `detach`), unless its last follower goes first.

A follower that is more urgent than the leader takes the errand over, so that nobody waits in a slower lane
than their own.
"""

from __future__ import annotations

import asyncio
import copy
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.pacing.queue import HeldError, OverError
from hourlyclicks.pacing.task import FetchTask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.queue import Job


class _LeaderLostError(Exception):
    """The leader was cancelled; somebody else has to lead."""


class _SharedTask(FetchTask):
    """A day in flight.

    Attributes:
        task: the task it runs in.
        own: whether that task is there only for those that wait for it.
        followers: those that wait for it.
    """

    __slots__ = ("followers", "own", "task")

    def __init__(
        self, call: Job, query: Query, task: asyncio.Task[object] | None, *, again: bool = False
    ) -> None:
        super().__init__(call, query, again=again)
        self.task = task
        self.own = task is None
        self.followers: set[asyncio.Future[DayClicks]] = set()

    def join(self) -> asyncio.Future[DayClicks]:
        """Return what the answer will be given to."""
        follower: asyncio.Future[DayClicks] = asyncio.get_running_loop().create_future()
        self.followers.add(follower)
        return follower


class SingleFlight:
    """Fetch days, each only once at a time.

    Args:
        fetch: fetches one day.
        hand_over: told when another call wants a day that is in flight, so that it need not wait longer
            than if it had asked itself.
    """

    def __init__(
        self,
        fetch: Callable[[FetchTask], Awaitable[DayClicks]],
        take_over: Callable[[FetchTask, Job], None],
    ) -> None:
        self._fetch = fetch
        self._take_over = take_over
        self._in_flight: dict[Query, _SharedTask] = {}

    async def fetch(self, query: Query, call: Job, *, again: bool = False) -> DayClicks:
        """Fetch a day in the present task, or wait for whoever is fetching it.

        Args:
            query: the day.
            call: on whose behalf.
            again: whether to ask even if the store has it.

        Raises:
            OverError: the call is over.
            HeldError: a circuit breaker of the call keeps the day from being sent.
            HourlyClicksError: the day failed.
        """
        while True:
            mine = _SharedTask(call, query, asyncio.current_task(), again=again)
            flight = self._in_flight.setdefault(query, mine)
            if flight is not mine:
                self._join(flight, call)
                return await self._follow(flight, flight.join(), call)
            try:
                return await self._run_leader(flight)
            except (OverError, HeldError):
                if call.over or call.holds(query):
                    raise
                # it was on behalf of another call that had taken it over

    async def fetch_shared(self, query: Query, call: Job) -> DayClicks:
        """Fetch a day in a task of its own, or wait for whoever is fetching it."""
        flight = self._in_flight.get(query)
        if flight is None:
            flight = self._in_flight[query] = _SharedTask(call, query, None)
            follower = flight.join()  # before the task is made, which may be done at once
            flight.task = asyncio.create_task(self._run_shared(flight))
            flight.task.add_done_callback(partial(self._crash, flight))
        else:
            self._join(flight, call)
            follower = flight.join()
        return await self._follow(flight, follower, call)

    def _join(self, flight: _SharedTask, call: Job) -> None:
        """Let another call have a share in a flight."""
        flight.refresh = flight.refresh or call.freshness.refresh
        self._take_over(flight, call)

    def detach(self, task: asyncio.Task[None]) -> bool:
        """Return whether others wait for what a task is fetching; it then ends with the last of them."""
        for flight in self._in_flight.values():
            if flight.task is task and flight.followers:
                flight.own = True
                return True
        return False

    def busy(self, task: asyncio.Task[None]) -> bool:
        """Return whether a request was spent on what a task is fetching, whose answer is about to come."""
        return any(flight.task is task and flight.busy for flight in self._in_flight.values())

    async def close(self) -> None:
        """Cancel the flights in tasks of their own and wait until they are gone."""
        tasks = [flight.task for flight in self._in_flight.values() if flight.own and flight.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _run_leader(self, flight: _SharedTask) -> DayClicks:
        try:
            day = await self._fetch(flight)
        except (OverError, HeldError):  # it is so with the leader's call, not with that of its followers
            self._resolve(flight, _LeaderLostError())
            raise
        except Exception as error:
            self._resolve(flight, error)
            raise
        except BaseException:
            self._resolve(flight, _LeaderLostError())
            raise
        self._resolve(flight, day)
        return day

    async def _run_shared(self, flight: _SharedTask) -> None:
        with suppress(Exception):  # the followers are told
            await self._run_leader(flight)

    def _crash(self, flight: _SharedTask, _: asyncio.Task[object]) -> None:
        """Tell those who follow a task that was cancelled before it had begun."""
        self._resolve(flight, _LeaderLostError())

    def _resolve(self, flight: _SharedTask, outcome: DayClicks | Exception) -> None:
        """Make room for the next flight of that day, and tell the followers of this one."""
        landed = self._in_flight.pop(flight.query, flight)
        if landed is not flight:  # the next one for the same day
            self._in_flight[flight.query] = landed
        for follower in flight.followers:
            if follower.done():
                continue
            if isinstance(outcome, HourlyClicksError):
                follower.set_exception(copy.copy(outcome))
            elif isinstance(outcome, Exception):
                follower.set_exception(outcome)
            else:
                follower.set_result(outcome)

    async def _follow(self, flight: _SharedTask, follower: asyncio.Future[DayClicks], call: Job) -> DayClicks:
        call.start_spare()
        try:
            return await follower
        except _LeaderLostError:
            pass
        finally:
            flight.followers.discard(follower)
            self._abandon(flight, follower)
        if call.over:
            raise OverError
        if call.holds(flight.query):
            raise HeldError
        return await self.fetch_shared(flight.query, call)

    def _abandon(self, flight: _SharedTask, follower: asyncio.Future[DayClicks]) -> None:
        """Cancel a flight made for its followers when the last of them has left early."""
        if follower.done() and not follower.cancelled():
            follower.exception()  # seen, even if a cancelled follower did not take it
        elif flight.own and not flight.followers and flight.task is not None:
            if self._in_flight.get(flight.query) is flight:
                del self._in_flight[flight.query]
            flight.task.cancel()
