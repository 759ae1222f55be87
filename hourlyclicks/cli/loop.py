"""The event loop of a command: uvloop where it is installed, and Ctrl-C as a cancellation."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result.

    The first Ctrl-C cancels it, and whatever it returns then is returned; the second one ends everything.
    SIGTERM is as good as Ctrl-C, so that a service that is stopped keeps what it has.
    """
    with _terminated_politely(), asyncio.Runner(loop_factory=_faster_loop()) as runner:
        return runner.run(main)


@contextmanager
def _terminated_politely() -> Iterator[None]:
    """Let SIGTERM press Ctrl-C, unless Ctrl-C means something else here, or nothing."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _faster_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra; nothing is said when it is missing
    except ImportError:
        return None
    return uvloop.new_event_loop
