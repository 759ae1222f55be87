"""The event loop of a command: uvloop where it is installed, and what signals do to it."""

from __future__ import annotations

import asyncio
import inspect
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks.cli.console import hangup
from hourlyclicks.store.worker_thread import hurry

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

_NAMES = {signal.SIGINT: "Ctrl-C"}


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result.

    The first Ctrl-C cancels it, and whatever it returns then is returned; the second one ends everything.
    SIGTERM is as good as Ctrl-C, so that a service that is stopped keeps what it has; so is the first SIGHUP.
    Afterwards, SIGTERM does what it did before: the event loop would leave it to end the process.
    """
    heeding, before = _heeding_sigterm(main), signal.getsignal(signal.SIGTERM)
    try:
        with asyncio.Runner(loop_factory=_faster_loop()) as runner:
            try:
                return runner.run(heeding)
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None
    except RuntimeError as error:
        if inspect.getcoroutinestate(heeding) != inspect.CORO_CREATED:
            raise
        raise _cause(error) from None
    finally:
        heeding.close()  # it has not begun where the loop could not
        main.close()
        if callable(before):
            signal.signal(signal.SIGTERM, before)


def run_until_stopped(
    main: Callable[[asyncio.Event], Coroutine[Any, Any, T]], *, on_stop: Callable[[str], object]
) -> T:
    """Run a coroutine that comes to its end when an event is set, and return its result.

    The first Ctrl-C, SIGTERM or SIGHUP sets the event; the second Ctrl-C or SIGTERM ends everything.

    Args:
        main: makes the coroutine.
        on_stop: called when the event is set, with its cause: ``"Ctrl-C"``, ``"SIGTERM"`` or ``"SIGHUP"``.
    """
    return run(_stopping(main, on_stop))


async def _stopping(
    main: Callable[[asyncio.Event], Coroutine[Any, Any, T]], on_stop: Callable[[str], object]
) -> T:
    loop, task, stop = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert task is not None  # noqa: S101 - a coroutine that runs is in a task
    ours = [name for name in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(name) != signal.SIG_IGN]

    def heed(by: str) -> None:
        if not stop.is_set():
            stop.set()
            on_stop(by)
            return
        for name in ours:  # should the end take its time, the third one kills
            loop.remove_signal_handler(name)
        hurry()  # another program may keep the store locked
        task.cancel()

    with suppress(NotImplementedError):  # there is no such thing on Windows, where Ctrl-C cancels
        for name in ours:
            loop.add_signal_handler(name, heed, _NAMES.get(name, name.name))
    hangup.on_hangup(lambda: _soon(loop, lambda: None if stop.is_set() else heed("SIGHUP")))
    return await main(stop)


async def _heeding_sigterm(main: Coroutine[Any, Any, T]) -> T:
    """Let SIGTERM cancel a coroutine, also where Ctrl-C is ignored, as in the background of a script."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that runs is in a task
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # there is no such thing on Windows
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    hangup.on_hangup(lambda: _soon(loop, task.cancel))
    return await main


def _cause(error: RuntimeError) -> Exception:
    """Return why a loop could not start: uvloop only says that it cannot be closed then."""
    while isinstance(error.__context__, RuntimeError):
        error = error.__context__
    return error.__context__ if isinstance(error.__context__, OSError) else error


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Call something in the loop, unless that has ended."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)


def _faster_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra; nothing is said when it is missing
    except ImportError:
        return None
    return uvloop.new_event_loop
