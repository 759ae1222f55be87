"""Single flight for the sums of days: concurrent calls for overlapping days share their requests.

A request belongs to the *leader*, the call that needed its days first. Calls that need some of them meanwhile
are *followers*: they wait until the leader has done all it can for these days, halves of a refused range
included, and take over the result of each. A call asks for its other days before it waits, so that two calls
never wait for each other.

As with hours (`hourlyclicks.fetching.coalescing`), a leader that is cancelled completes the request as long
as there are followers, and a follower of a higher priority than the leader moves the request forward.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.fetching.task import Caller, FetchTask
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.queue import Job


@attrs.frozen
class AnswerWithoutRow:
    """An answer that has no row of a day.

    Args:
        asked: the range that was asked for.
        answered: its days with rows.
        moment: when it was asked for.
    """

    asked: DateRange
    answered: frozenset[dt.date]
    moment: dt.datetime


SumOutcome: TypeAlias = DailyClicks | AnswerWithoutRow | HourlyClicksError
"""What became of a day: its sum, an answer that has no row of it, or why it failed."""


@attrs.define(eq=False)
class SumsRequest:
    """A range that a call asks for.

    Args:
        caller: the call; that of a follower once it has moved the request forward.
        runner: the asyncio task it runs in.
        done: the result of each of its days; those that are lost are not in it.

    Attributes:
        task: the request that is under way or waits for its slot.
        followers: how many calls wait for it.
        orphaned: whether its own call has ended before it.
    """

    caller: Caller
    runner: asyncio.Task[object] | None
    done: asyncio.Future[Mapping[dt.date, SumOutcome]]
    task: FetchTask | None = None
    followers: int = 0
    orphaned: bool = False

    def found(self, outcomes: Mapping[dt.date, SumOutcome]) -> None:
        """Pass on the results of the days."""
        if not self.done.done():
            self.done.set_result(outcomes)


class SumsInFlight:
    """The days whose sums are being asked for, by all calls of a client.

    Args:
        take_over: moves a task in the queue of the limiter to another job of at least the same priority;
            returns whether it did.
    """

    def __init__(self, take_over: Callable[[FetchTask, Job], bool]) -> None:
        self._take_over = take_over
        self._requests: dict[Query, SumsRequest] = {}

    def find(self, target: Target, days: Collection[dt.date]) -> dict[SumsRequest, frozenset[dt.date]]:
        """Return the requests that are under way for some of these days, each with those of them."""
        found: dict[SumsRequest, set[dt.date]] = {}
        for day in days:
            request = self._requests.get(Query(day, target))
            if request is not None:
                found.setdefault(request, set()).add(day)
        return {request: frozenset(its_days) for request, its_days in found.items()}

    @contextmanager
    def leading(self, target: Target, days: Collection[dt.date], caller: Caller) -> Iterator[SumsRequest]:
        """Lead for some days, none of which is under way; without `SumsRequest.found`, they are lost.

        A fatal error is that of all followers.
        """
        request = SumsRequest(caller, asyncio.current_task(), asyncio.get_running_loop().create_future())
        mine = dict.fromkeys((Query(day, target) for day in days), request)
        self._requests.update(mine)
        try:
            yield request
        except HourlyClicksError as error:
            request.found(dict.fromkeys(days, error) if error.fatal else {})
            raise
        finally:
            for query in mine:
                del self._requests[query]
            request.found({})

    async def follow(self, request: SumsRequest, caller: Caller) -> Mapping[dt.date, SumOutcome]:
        """Wait for a request of another call, and return the results of its days."""
        if caller.job.lane < request.caller.job.lane:
            request.caller = caller
            if request.task is not None and self._take_over(request.task, caller.job):
                request.task.caller = caller
        request.followers += 1
        caller.start_spare()
        try:
            return await asyncio.shield(request.done)
        finally:
            request.followers -= 1
            if request.orphaned and not request.followers and request.runner is not None:
                request.runner.cancel()

    def detach(self, runner: asyncio.Task[None]) -> bool:
        """Return whether a worker has followers; from then on it is cancelled with the last of them."""
        for request in self._requests.values():
            if request.runner is runner and request.followers:
                request.orphaned = True
                return True
        return False

    def has_sent(self, runner: asyncio.Task[None]) -> bool:
        """Return whether a request of a worker is in flight."""
        return any(
            request.runner is runner and request.task is not None and request.task.sent
            for request in self._requests.values()
        )
