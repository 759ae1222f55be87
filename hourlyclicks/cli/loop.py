"""The event loop of a command: uvloop where it is installed, and Ctrl-C as a cancellation."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result.

    The first Ctrl-C cancels it, and whatever it returns then is returned; the second one ends everything.
    SIGTERM is as good as Ctrl-C, so that a service that is stopped keeps what it has.
    """
    with asyncio.Runner(loop_factory=_faster_loop()) as runner:
        try:
            return runner.run(_heeding_sigterm(main))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


async def _heeding_sigterm(main: Coroutine[Any, Any, T]) -> T:
    """Let SIGTERM cancel a coroutine, also where Ctrl-C is ignored, as in the background of a script."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that runs is in a task
    with suppress(NotImplementedError):  # there is no such thing on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await main


def _faster_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra; nothing is said when it is missing
    except ImportError:
        return None
    return uvloop.new_event_loop
