"""What a command does when its terminal hangs up (SIGHUP): it stops as at SIGTERM, and writes what it has.

A hang-up often comes twice, from the kernel and from the shell, or right after SIGTERM; so only the first one
counts, and it is never the second Ctrl-C that ends everything. One that comes when the work is done changes
nothing: what is left is to write the result. Under ``nohup`` the signal is ignored, and stays so.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNAL: signal.Signals | None = getattr(signal, "SIGHUP", None)  # there is none on Windows
_ENDS = [signal.SIGINT, signal.SIGTERM, *([] if _SIGNAL is None else [_SIGNAL])]


@contextmanager
def delaying_signals() -> Iterator[None]:
    """Hold back all signals that would end the process while a result is written that is nowhere else.

    They have their effect afterwards. Only for what takes a moment, once the event loop has ended.
    """
    came: list[int] = []
    ours = [number for number in _ENDS if signal.getsignal(number) not in {signal.SIG_IGN, None}]
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in ours}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for caught in came[:1]:
        signal.raise_signal(caught)


@contextmanager
def interrupting() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt what runs before the event loop, as Ctrl-C does."""
    numbers = [number for number in _ENDS[1:] if signal.getsignal(number) is signal.SIG_DFL]
    with suppress(ValueError):  # not in the main thread, which alone can set them
        for number in numbers:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in numbers:
            if signal.getsignal(number) is _interrupt:
                signal.signal(number, signal.SIG_DFL)


def _interrupt(*_: Any) -> None:  # noqa: ANN401 - the signature of the standard library
    raise KeyboardInterrupt


def on_hangup(stop: Callable[[], object]) -> None:
    """Call a function at the first hang-up, and ignore all others, unless they are ignored already.

    That holds longer than the event loop lasts: until the process ends.
    """
    if _SIGNAL is None or signal.getsignal(_SIGNAL) == signal.SIG_IGN:
        return
    number = _SIGNAL

    def hang_up(*_: Any) -> None:  # noqa: ANN401 - the signature of the standard library
        signal.signal(number, signal.SIG_IGN)
        stop()

    signal.signal(number, hang_up)
