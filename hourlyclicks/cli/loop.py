"""The event loop of a command: uvloop where it is installed, and Ctrl-C as a cancellation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine and return its result.

    The first Ctrl-C cancels it, and whatever it returns then is returned; the second one ends everything.
    """
    with asyncio.Runner(loop_factory=_faster_loop()) as runner:
        return runner.run(main)


def _faster_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - an extra; nothing is said when it is missing
    except ImportError:
        return None
    return uvloop.new_event_loop
