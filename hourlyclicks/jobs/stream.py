"""Many days of one target, one after the other, while the next ones are fetched."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from hourlyclicks.errors import HourlyClicksError, UsageError
from hourlyclicks.jobs.reorder import ReorderBuffer

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from hourlyclicks.jobs.ranges import RangeRun
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Query

_AHEAD = 4
"""Days per worker by which a stream may be ahead of its consumer."""


class DayStream:
    """The days of a run, one after the other. Made by `Client.stream`.

    An async context manager that owns its workers, and an async iterator. A day that failed raises in its
    place. A caller that catches the error may iterate on; if no other day can succeed, there are no more.

    Args:
        run: the days.
        ordered: whether they come in the order of their dates.
        check: called on entering; raises unless the client can be used here and now.
    """

    def __init__(self, run: RangeRun, *, ordered: bool, check: Callable[[], None]) -> None:
        self._run = run
        self._check = check
        self._reading: bool | None = None
        self._buffer: ReorderBuffer[DayClicks | HourlyClicksError] = ReorderBuffer(
            size=len(run.range), room=_AHEAD * (run.workers + run.spare), ordered=ordered
        )
        self._pool = run.pool(enumerate(run.queries()), self._work)
        run.on_close = self._end

    async def __aenter__(self) -> Self:
        self._check()
        if self._reading is not None:
            raise UsageError("a stream can be entered only once")
        self._reading = True
        with ExitStack() as entered:
            entered.enter_context(self._run.tracker)
            await self._run.survey()
            await self._pool.__aenter__()
            entered.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._reading = False
        self._buffer.give_up(_outside_block())
        try:
            await self._pool.__aexit__(kind, error, traceback)
        finally:
            self._run.tracker.__exit__(kind, error, traceback)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> DayClicks:
        if not self._reading:
            raise _outside_block()
        result = await self._buffer.take()
        if isinstance(result, HourlyClicksError):
            raise result
        return result

    async def _end(self, error: HourlyClicksError) -> None:
        self._buffer.give_up(error)
        await self._pool.end(error)

    async def _work(self, item: tuple[int, Query]) -> None:
        position, query = item
        await self._buffer.make_room(position)
        try:
            self._buffer.put(position, await self._run.fetch(query))
        except HourlyClicksError as error:
            if error.fatal or (error.retryable and self._run.given_up):
                self._buffer.give_up(error)
                self._pool.stop()
            else:
                self._buffer.put(position, error)
        except BaseException as error:
            self._buffer.give_up(error)
            raise
        if self._run.parking.unsettled:
            await self._follow_up()

    async def _follow_up(self) -> None:
        """End the stream when its target turns out to be parked."""
        try:
            await self._run.follow_up()
        except HourlyClicksError as error:
            self._buffer.give_up(error)
            self._pool.stop()
        except BaseException as error:
            self._buffer.give_up(error)
            raise


def _outside_block() -> UsageError:
    return UsageError("a stream is read inside of its `async with` block")
