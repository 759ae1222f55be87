"""A client on a virtual clock, with a scripted transport."""

from __future__ import annotations

import asyncio
import copy
import datetime as dt
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs
import pytest

from hourlyclicks.client import Client
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import HourlyClicksError, StoreError
from hourlyclicks.model.http import Response
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.simulator.clock import START, run_virtual
from hourlyclicks.store.sqlite import SqliteStore
from tests.fetching.asking import DAY, KEY, LINK, Dice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from hourlyclicks.events import Event
    from hourlyclicks.jobs.stream import DayStream
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.http import Request
    from hourlyclicks.simulator.clock import VirtualClock

T = TypeVar("T")
Outcome: TypeAlias = Response | BaseException
Answers: TypeAlias = Callable[[dt.date, int], Outcome]

FREE = Limits(concurrency=3)
ONE = Limits(concurrency=1)
END = DAY + dt.timedelta(29)
BAD_DAYS = {DAY + dt.timedelta(3), DAY + dt.timedelta(17)}


def status(code: int, body: bytes = b"", **headers: str) -> Response:
    """Return a response; an underscore in the name of a header is a hyphen."""
    return Response(code, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def good(day: dt.date, clicks: int = 7) -> Response:
    """Return a good answer for a day, with clicks in its first hour."""
    row = {"ymd": day.isoformat(), "hour": 0, "acesCnt": clicks, "pernCnt": clicks}
    return status(200, json.dumps({"code": 0, "message": "", "result": [row]}).encode())


def always(outcome: Outcome) -> Answers:
    """Answer every request with this."""
    return lambda _day, _number: outcome


def in_turn(*outcomes: Outcome) -> Answers:
    """Answer the first requests with these, and the others with figures."""
    return lambda day, number: outcomes[number] if number < len(outcomes) else good(day)


WELL = in_turn()


@attrs.define
class Asked:
    """A request that was sent: the day it requested, when, in seconds, and the link."""

    day: dt.date
    at: float
    target: str = ""


class ScriptedTransport:
    """Answers after a second with what the test specifies.

    Attributes:
        asked: every request.
        in_flight: how many are in flight.
        most: how many were in flight at a time, at most.
    """

    def __init__(self, clock: VirtualClock, answers: Answers) -> None:
        self.asked: list[Asked] = []
        self.in_flight = 0
        self.most = 0
        self.closed = False
        self.answers = answers
        self._clock = clock

    async def send(self, request: Request) -> Response:
        """See `Transport.send`."""
        day, number = dt.date.fromisoformat(request.url.query["ymd"]), len(self.asked)
        self.asked.append(Asked(day, self._clock.monotonic() / SECOND, request.url.query.get("linkId", "")))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await self._clock.sleep(1.0)
            outcome = self.answers(day, number)
        finally:
            self.in_flight -= 1
        if isinstance(outcome, BaseException):
            raise copy.copy(outcome)
        return outcome

    async def close(self) -> None:
        """See `Transport.close`."""
        self.closed = True

    @property
    def times(self) -> list[float]:
        """When the requests were sent."""
        return [asked.at for asked in self.asked]


class Stage:
    """A client with its clock, transport and events, for the scenario of a test."""

    def __init__(self, clock: VirtualClock, answers: Answers, **options: Any) -> None:  # noqa: ANN401 - passed through
        self.clock = clock
        self.events: list[Event] = []
        self.transport = ScriptedTransport(clock, answers)
        self.dice = Dice(0.0)
        options.setdefault("limits", FREE)
        options.setdefault("on_event", self.events.append)
        self.client = Client(KEY, transport=self.transport, clock=clock, random=self.dice, **options)

    @property
    def now(self) -> float:
        """Seconds since the scenario began."""
        return self.clock.monotonic() / SECOND

    def events_of(self, kind: type[T]) -> list[T]:
        """Return the events of a kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


def play(
    story: Callable[[Stage], Awaitable[T]],
    answers: Answers = WELL,
    *,
    start: dt.datetime = START,
    **options: Any,  # noqa: ANN401 - passed through
) -> Stage:
    """Run a scenario on the virtual clock; the options are those of the client."""

    async def main(clock: VirtualClock) -> Stage:
        stage = Stage(clock, answers, **options)
        async with AsyncExitStack() as closing:
            if isinstance(options.get("store"), FailingStore):  # it belongs to the test, not to the client
                closing.push_async_callback(options["store"].end)
            await closing.enter_async_context(stage.client)
            await story(stage)
        return stage

    return run_virtual(main, start=start)


async def fails(stage: Stage) -> HourlyClicksError:
    """Fetch a day that fails, and return the error."""
    with pytest.raises(HourlyClicksError) as caught:
        await stage.client.day(DAY, LINK)
    return caught.value


async def others() -> int:
    """Return how many tasks there are, once those that are ending have ended."""
    for _ in range(5):
        await asyncio.sleep(0)
    return len(asyncio.all_tasks())


REJECTED = status(404, b'{"code": 9, "message": "no"}')
"""The API itself rejects a day."""


def some_bad(day: dt.date, _number: int) -> Response:
    """Reject two days for good, and answer the others."""
    return REJECTED if day in BAD_DAYS else good(day)


async def read(days: DayStream) -> AsyncIterator[DayClicks | HourlyClicksError]:
    """Yield the days of a stream, and the errors in their places."""
    while True:
        try:
            yield await anext(days)
        except StopAsyncIteration:
            return
        except HourlyClicksError as error:
            yield error


class FailingStore:
    """A store in a file that can be made to fail.

    Attributes:
        calls: the names of the methods that were called.
        fails: takes the name and the number of a call, from 0, and returns whether it fails.
    """

    def __init__(self, path: Path, clock: VirtualClock | None = None) -> None:
        self.calls: list[str] = []
        self.fails: Callable[[str, int], bool] = lambda _name, _number: False
        self._store = SqliteStore(path, clock=clock)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of a store
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(self._store, name)

        async def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed through
            number = len(self.calls)
            self.calls.append(name)
            if self.fails(name, number):
                raise StoreError("the disk is full")
            return await method(*given, **named)

        return call

    async def settled(self) -> None:
        """Wait for the changes that were begun."""
        await self._store._changes.drain()

    async def end(self) -> None:
        """Close the file, whatever else fails."""
        await self._store.close()

    def with_clock(self, clock: VirtualClock) -> None:
        """Measure the shared rate limit on a clock."""
        self._store.shared_clock.clock = clock
