"""A virtual clock, on which years pass in seconds, and the event loop that advances it.

Theory. The time is one integer, in nanoseconds. It moves in one way: when no callback of the loop is ready,
it jumps to the moment of the earliest timer, and every timer of that moment fires, in the order in which
they were set. All timers of the loop (``asyncio.sleep``, ``asyncio.timeout``, `VirtualClock.call_later`)
live in one heap of such integers, so nothing is rounded: ``sleep(60)`` ends exactly 60 s later, also after
ten years, where a float of seconds is 60 ns coarse.

A timer is at least 1 ns in the future, so each jump moves the clock. A busy loop (``while not done:
await asyncio.sleep(0)``) would stop the clock for ever; so after `_FREE_TURNS` iterations of the loop at one
instant, each further iteration takes 1 µs, as it does on a real machine.

While a thread works for the loop (``run_in_executor``) the time stands still and the loop waits for it.
A loop with nothing ready, no timer and no thread can never continue: that is a `DeadlockError`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import selectors
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import HourlyClicksError, UsageError
from hourlyclicks.simulator.timers import HeapTimer, TimerHeap

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from concurrent.futures import Executor
    from contextvars import Context

    from _typeshed import FileDescriptorLike

    from hourlyclicks.clock import Timer

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

START = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
"""The wall time at which a virtual clock starts by default."""

_FREE_TURNS = 10_000
_TURN = 1_000
_BLIND_TURNS = 32
_PATIENCE = 1.0


class DeadlockError(HourlyClicksError, RuntimeError):
    """A virtual run waits for something that can no longer happen: no timer is set and nothing is ready."""


class VirtualClock:
    """A `hourlyclicks.clock.Clock` whose time passes only when every task waits.

    Use it inside `run_virtual`, which makes it; outside of it the time stands still.

    Args:
        start: the wall time at its beginning, aware.
    """

    def __init__(self, start: dt.datetime = START) -> None:
        if start.tzinfo is None:
            raise UsageError("the start of a virtual clock is an aware datetime")
        self._start = start.astimezone(dt.UTC)
        self._now = 0
        self._loop: VirtualEventLoop | None = None

    def monotonic(self) -> int:
        """Return nanoseconds since the clock was made."""
        return self._now

    def wall(self) -> dt.datetime:
        """Return the start plus the time passed, to the microsecond, in UTC."""
        return self._start + dt.timedelta(microseconds=self._now // 1000)

    async def sleep(self, seconds: float) -> None:
        """Return after that many virtual seconds; 0 or less only lets other tasks run."""
        await asyncio.sleep(seconds)

    def call_later(self, nanoseconds: int, callback: Callable[[], object]) -> Timer:
        """Call back after exactly that many virtual nanoseconds, at least 1."""
        if self._loop is None:
            raise UsageError("a virtual clock has timers only while run_virtual turns it")
        return self._loop.set_timer(self._now + nanoseconds, callback, (), None)

    def __repr__(self) -> str:
        return f"<VirtualClock {self.wall().isoformat()}>"


class _JumpingSelector(selectors.BaseSelector):
    """A selector that, instead of waiting, moves the clock of its loop."""

    def __init__(self) -> None:
        self._inner = selectors.DefaultSelector()
        self._skipped = 0
        self.idle: Callable[[], bool]
        self.turn: Callable[[], None]

    def register(
        self,
        fileobj: FileDescriptorLike,
        events: int,
        data: Any = None,  # noqa: ANN401 - the signature of the standard library
    ) -> selectors.SelectorKey:
        return self._inner.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._inner.unregister(fileobj)

    def modify(
        self,
        fileobj: FileDescriptorLike,
        events: int,
        data: Any = None,  # noqa: ANN401 - the signature of the standard library
    ) -> selectors.SelectorKey:
        return self._inner.modify(fileobj, events, data)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._inner.get_map()

    def close(self) -> None:
        self._inner.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the ready events; with nothing to run (no timeout), advance the clock.

        A loop without sockets can only receive signals, so it checks for events only now and then.
        """
        if timeout is not None:
            self.turn()
            self._skipped += 1
            if self._skipped < _BLIND_TURNS and len(self._inner.get_map()) == 1:
                return []
        self._skipped = 0
        events = self._inner.select(0)
        if timeout is None and not events and not self.idle():
            return self._inner.select()
        return events

    def wait_for_sockets(self) -> bool:
        """Wait for real sockets, if there are any besides the loop's own; return whether one is ready."""
        return len(self._inner.get_map()) > 1 and bool(self._inner.select(_PATIENCE))


class VirtualEventLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop on the time of a `VirtualClock`.

    Made by `run_virtual`; by itself it serves as the ``loop_factory`` of an ``asyncio.Runner``. Sockets
    work, but their peers do not use this time: keep both ends in the same loop, or use the in-process
    transport.

    Args:
        clock: the clock to advance; a new one by default.
    """

    def __init__(self, clock: VirtualClock | None = None) -> None:
        selector = _JumpingSelector()
        super().__init__(selector)
        self.clock = clock if clock is not None else VirtualClock()
        self.clock._loop = self  # noqa: SLF001 - the clock and its loop share their state
        self._timers = TimerHeap(self)
        self._jumper = selector
        self._threads = 0
        self._turns = 0
        selector.idle, selector.turn = self._jump, self._spin

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self.clock.monotonic() / SECOND

    def set_timer(
        self,
        due: int,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> asyncio.TimerHandle:
        """Set a timer at a moment of the virtual clock, at least 1 ns from now."""
        self._check_open()
        due = max(due, self.clock.monotonic() + 1)
        return self._timers.add(due, HeapTimer(self._timers, due / SECOND, callback, args, context))

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See `asyncio.loop.call_later`."""
        due = self.clock.monotonic() + math.ceil(delay * SECOND)
        return self.set_timer(due, callback, args, context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See `asyncio.loop.call_at`."""
        return self.set_timer(math.ceil(when * SECOND), callback, args, context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """See `asyncio.loop.run_in_executor`; the virtual time stands still meanwhile."""
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - the signature of 3.12; a thread's time is not ours
        """See `asyncio.loop.shutdown_default_executor`."""
        self._threads += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self._threads -= 1

    def _thread_done(self, _: object) -> None:
        self._threads -= 1

    def _check_open(self) -> None:
        if self.is_closed():
            raise RuntimeError("Event loop is closed")

    def _spin(self) -> None:
        """Count an iteration of the loop; in a long busy loop, each takes time."""
        self._turns += 1
        if self._turns > _FREE_TURNS:
            self.clock._now += _TURN  # noqa: SLF001 - the clock and its loop share their state
            self._timers.fire(self.clock.monotonic())

    def _jump(self) -> bool:
        """Advance to the earliest timer; return False when the loop must wait in real time for a thread."""
        if self._threads:
            return False
        due = self._timers.earliest()
        if due is None:
            return self._stuck()
        self.clock._now = due  # noqa: SLF001 - the clock and its loop share their state
        self._turns = 0
        self._timers.fire(due)
        return True

    def _stuck(self) -> bool:
        if self._jumper.wait_for_sockets():
            return True
        waiting = sorted(task.get_name() for task in asyncio.all_tasks(self))
        raise DeadlockError(
            f"nothing can happen any more: no timer is set and nothing is ready, "
            f"yet {len(waiting)} tasks wait ({', '.join(waiting[:10])})"
        )


def run_virtual(
    main: Coroutine[Any, Any, _T] | Callable[[VirtualClock], Coroutine[Any, Any, _T]],
    *,
    start: dt.datetime = START,
) -> _T:
    """Run a coroutine on virtual time, like ``asyncio.run``, and return its result.

    ``asyncio.sleep`` and ``asyncio.timeout`` use this time as well. Example::

        async def year(clock: VirtualClock) -> dt.datetime:
            await asyncio.sleep(365 * 86_400)
            return clock.wall()

        run_virtual(year)  # at once

    Args:
        main: a coroutine, or a function that takes the clock and returns one.
        start: the wall time at the beginning, aware.

    Raises:
        DeadlockError: the coroutine waits for something that can no longer happen.
    """
    clock = VirtualClock(start)

    async def entry() -> _T:
        return await (main(clock) if callable(main) else main)

    with asyncio.Runner(loop_factory=lambda: VirtualEventLoop(clock)) as runner:
        return runner.run(entry())
