"""Many days of one target, one after the other, while the next ones are fetched."""

from __future__ import annotations

from contextlib import ExitStack, aclosing
from typing import TYPE_CHECKING, Self

from hourlyclicks.errors import HourlyClicksError, UsageError
from hourlyclicks.jobs.reorder import ReorderBuffer
from hourlyclicks.pacing.queue import OverError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from types import TracebackType

    from hourlyclicks.jobs.batches import Batch
    from hourlyclicks.jobs.target_run import TargetRun
    from hourlyclicks.jobs.workers import WorkerPool
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

    def __init__(self, run: TargetRun, *, ordered: bool, check: Callable[[], None]) -> None:
        self._run = run
        self._check = check
        self._reading: bool | None = None
        self._stopping = False
        workers = run.workers + run.spare
        self._buffer: ReorderBuffer[DayClicks | HourlyClicksError] = ReorderBuffer(
            size=len(run.range),
            room=run.longest_batch * (workers + 1) or _AHEAD * workers,
            ordered=ordered,
        )
        self._batches = self._ready_batches()
        ranges = run.range_work(self._done, self._work_day)
        self._pool: WorkerPool[tuple[int, Query]] | WorkerPool[Batch]
        if ranges is None:
            self._pool = run.pool(enumerate(run.queries()), self._work)
        else:
            self._ranges = ranges
            self._pool = run.pool(self._batches, self._work_range)
        run.on_close, run.on_stop = self._end, self._stop

    async def __aenter__(self) -> Self:
        self._check()
        if self._reading is not None:
            raise UsageError("a stream can be entered only once")
        self._reading = True
        with ExitStack() as entered:
            entered.enter_context(self._run.context)
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
            await self._batches.aclose()
            self._run.tracker.__exit__(kind, error, traceback)
            self._run.context.__exit__(kind, error, traceback)

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

    async def _stop(self, error: HourlyClicksError) -> None:
        self._stopping = True
        await self._run.wind_down(self._pool, error)
        self._buffer.give_up(error)

    def _broke(self, error: BaseException) -> None:
        """End the stream with an error of a worker; one that is cancelled by a stop has none of its own."""
        if not self._stopping:
            self._buffer.give_up(error)

    async def _work(self, item: tuple[int, Query]) -> None:
        position, query = item
        await self._buffer.make_room(position)
        try:
            self._buffer.put(position, await self._run.fetch(query))
        except HourlyClicksError as error:
            self._fail(position, error)
        except OverError:  # it is stopped, which `on_stop` reports
            return
        except BaseException as error:
            self._broke(error)
            raise
        if self._run.parking.unsettled:
            await self._follow_up()

    def _fail(self, position: int, error: HourlyClicksError) -> None:
        """Put an error in the place of a day, or end the stream if no other day can succeed."""
        if error.fatal or (error.retryable and self._run.given_up):
            self._buffer.give_up(error)
            self._pool.stop()
        else:
            self._buffer.put(position, error)

    async def _ready_batches(self) -> AsyncGenerator[Batch, None]:
        """Yield the days to request in batches, as soon as there is room for their results.

        There is room for more days than a batch can span, so that none of them waits for its own days.
        """

        async def ready(query: Query) -> None:
            await self._buffer.make_room(self._run.range.index(query.day))

        try:
            async with aclosing(self._run.batches(self._done, ready)) as batches:
                async for batch in batches:
                    yield batch
        except Exception as error:
            self._buffer.give_up(error)
            raise

    async def _work_range(self, batch: Batch) -> None:
        await self._guard(self._ranges.fetch(batch))

    async def _work_day(self, query: Query) -> None:
        await self._work((self._run.range.index(query.day), query))

    def _done(self, query: Query, outcome: DayClicks | HourlyClicksError) -> None:
        position = self._run.range.index(query.day)
        if isinstance(outcome, HourlyClicksError):
            self._fail(position, outcome)
        else:
            self._buffer.put(position, outcome)

    async def _follow_up(self) -> None:
        """End the stream when its target turns out to be parked."""
        await self._guard(self._run.follow_up())

    async def _guard(self, work: Awaitable[None]) -> None:
        """Await some work, whose error ends the stream."""
        try:
            await work
        except HourlyClicksError as error:
            self._buffer.give_up(error)
            self._pool.stop()
        except OverError:  # as in `_work`
            return
        except BaseException as error:
            self._broke(error)
            raise


def _outside_block() -> UsageError:
    return UsageError("a stream is read inside of its `async with` block")
