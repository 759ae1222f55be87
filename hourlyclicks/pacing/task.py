"""A day that some call wants: what stands in line, and what becomes of it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.pacing.queue import ALL

if TYPE_CHECKING:
    import asyncio
    import datetime as dt

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.queue import Job
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.store.freshness import Freshness


class NotNeededError(Exception):
    """No request is needed: another process has got the day meanwhile, and it is in the store."""


class TakenError(Exception):
    """No request is allowed: another process asks for the day at this moment."""


class FetchTask:
    """A day to be asked for on behalf of a call. A more urgent call that wants the same day takes it over.

    The last five of its attributes are kept by the fetcher.

    Attributes:
        call: on whose behalf, at present.
        leader: on whose behalf at first; it runs in a task of that call.
        query: what is asked.
        refresh: whether any call that waits for it wants it asked for even if the store has it for good.
        again: whether it is asked even if the store has it, and counts for nothing but what it tells.
        turn: its place in the line while it waits.
        busy: whether a request was spent on it whose result is not lost if it is let be.
        requests: how many requests were spent on it.
        refusals: how many of them were refused because of the rate.
        started: when the first one went, in nanoseconds of the clock.
        asked: when the last one went.
        failure: why the last attempt failed, if another one was to follow.
    """

    __slots__ = (
        "again",
        "asked",
        "busy",
        "call",
        "failure",
        "leader",
        "query",
        "refresh",
        "refusals",
        "requests",
        "started",
        "turn",
    )

    asked: dt.datetime
    failure: HourlyClicksError

    def __init__(self, call: Job, query: Query, *, again: bool = False) -> None:
        self.call = self.leader = call
        self.query = query
        self.refresh = call.freshness.refresh
        self.again = again
        self.turn: asyncio.Future[Slot] | None = None
        self.busy = False
        self.requests = self.refusals = self.started = 0

    @property
    def freshness(self) -> Freshness:
        """What is wanted of the day if it is in the store by the time it is its turn."""
        freshness = self.call.freshness
        if self.again:
            return ALL
        return freshness if freshness.refresh or not self.refresh else attrs.evolve(freshness, refresh=True)

    @property
    def waits(self) -> bool:
        """Whether it stands in line and has got nothing yet."""
        return self.turn is not None and not self.turn.done()


def fail(task: FetchTask, error: Exception) -> None:
    """Tell an errand that waits that it gets no place."""
    if task.turn is not None and not task.turn.done():
        task.turn.set_exception(copy.copy(error))


def given(slot: Slot, call: Job) -> Slot:
    """Write down whose slot it is."""
    slot.call = call
    call.flying += 1
    return slot
