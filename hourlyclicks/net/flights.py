"""Identical questions in flight are one request, whoever waits for the answer.

The first to ask for a day *leads*: the request runs in its task. Whoever asks for the same day meanwhile
*follows*: it waits for the leader's answer and may leave at any time. A leader that is cancelled while
others follow must not take their answer with it, therefore

* a caller of `share` never leads in its own task but in one made for the purpose, which is cancelled when
  its last follower is gone;
* a worker of a fan-out, which leads in its own task, is not cancelled while it is followed; it is let finish
  that one day (see `adopt`), unless its last follower goes first.

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
from hourlyclicks.pacing.errand import Errand
from hourlyclicks.pacing.lanes import HeldError, OverError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.lanes import Call


class _LeaderGoneError(Exception):
    """The leader was cancelled; somebody else has to lead."""


class _Flight(Errand):
    """A day in flight.

    Attributes:
        task: the task it runs in.
        own: whether that task is there only for those that wait for it.
        followers: those that wait for it.
    """

    __slots__ = ("followers", "own", "task")

    def __init__(
        self, call: Call, query: Query, task: asyncio.Task[object] | None, *, again: bool = False
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


class Flights:
    """Fetch days, each only once at a time.

    Args:
        fetch: fetches one day.
        hand_over: told when another call wants a day that is in flight, so that it need not wait longer
            than if it had asked itself.
    """

    def __init__(
        self,
        fetch: Callable[[Errand], Awaitable[DayClicks]],
        hand_over: Callable[[Errand, Call], None],
    ) -> None:
        self._fetch = fetch
        self._hand_over = hand_over
        self._flights: dict[Query, _Flight] = {}

    async def fly(self, query: Query, call: Call, *, again: bool = False) -> DayClicks:
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
            mine = _Flight(call, query, asyncio.current_task(), again=again)
            flight = self._flights.setdefault(query, mine)
            if flight is not mine:
                self._join(flight, call)
                return await self._follow(flight, flight.join(), call)
            try:
                return await self._lead(flight)
            except (OverError, HeldError):
                if call.over or call.holds(query):
                    raise
                # it was on behalf of another call that had taken it over

    async def share(self, query: Query, call: Call) -> DayClicks:
        """Fetch a day in a task of its own, or wait for whoever is fetching it."""
        flight = self._flights.get(query)
        if flight is None:
            flight = self._flights[query] = _Flight(call, query, None)
            follower = flight.join()  # before the task is made, which may be done at once
            flight.task = asyncio.create_task(self._lead_alone(flight))
            flight.task.add_done_callback(partial(self._crash, flight))
        else:
            self._join(flight, call)
            follower = flight.join()
        return await self._follow(flight, follower, call)

    def _join(self, flight: _Flight, call: Call) -> None:
        """Let another call have a share in a flight."""
        flight.refresh = flight.refresh or call.terms.refresh
        self._hand_over(flight, call)

    def adopt(self, task: asyncio.Task[None]) -> bool:
        """Return whether others wait for what a task is fetching; it then ends with the last of them."""
        for flight in self._flights.values():
            if flight.task is task and flight.followers:
                flight.own = True
                return True
        return False

    def busy(self, task: asyncio.Task[None]) -> bool:
        """Return whether a request was spent on what a task is fetching, whose answer is about to come."""
        return any(flight.task is task and flight.busy for flight in self._flights.values())

    async def close(self) -> None:
        """Cancel the flights in tasks of their own and wait until they are gone."""
        tasks = [flight.task for flight in self._flights.values() if flight.own and flight.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _lead(self, flight: _Flight) -> DayClicks:
        try:
            day = await self._fetch(flight)
        except (OverError, HeldError):  # it is so with the leader's call, not with that of its followers
            self._land(flight, _LeaderGoneError())
            raise
        except Exception as error:
            self._land(flight, error)
            raise
        except BaseException:
            self._land(flight, _LeaderGoneError())
            raise
        self._land(flight, day)
        return day

    async def _lead_alone(self, flight: _Flight) -> None:
        with suppress(Exception):  # the followers are told
            await self._lead(flight)

    def _crash(self, flight: _Flight, _: asyncio.Task[object]) -> None:
        """Tell those who follow a task that was cancelled before it had begun."""
        self._land(flight, _LeaderGoneError())

    def _land(self, flight: _Flight, outcome: DayClicks | Exception) -> None:
        """Make room for the next flight of that day, and tell the followers of this one."""
        landed = self._flights.pop(flight.query, flight)
        if landed is not flight:  # the next one for the same day
            self._flights[flight.query] = landed
        for follower in flight.followers:
            if follower.done():
                continue
            if isinstance(outcome, HourlyClicksError):
                follower.set_exception(copy.copy(outcome))
            elif isinstance(outcome, Exception):
                follower.set_exception(outcome)
            else:
                follower.set_result(outcome)

    async def _follow(self, flight: _Flight, follower: asyncio.Future[DayClicks], call: Call) -> DayClicks:
        call.stand_in()
        try:
            return await follower
        except _LeaderGoneError:
            pass
        finally:
            flight.followers.discard(follower)
            self._abandon(flight, follower)
        if call.over:
            raise OverError
        if call.holds(flight.query):
            raise HeldError
        return await self.share(flight.query, call)

    def _abandon(self, flight: _Flight, follower: asyncio.Future[DayClicks]) -> None:
        """Cancel a flight made for its followers when the last of them has left early."""
        if follower.done() and not follower.cancelled():
            follower.exception()  # seen, even if a cancelled follower did not take it
        elif flight.own and not flight.followers and flight.task is not None:
            if self._flights.get(flight.query) is flight:
                del self._flights[flight.query]
            flight.task.cancel()
