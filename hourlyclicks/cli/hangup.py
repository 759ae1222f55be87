"""What a command does when its terminal hangs up (SIGHUP): it stops as at SIGTERM, and writes what it has.

A hang-up often comes twice, from the kernel and from the shell, or right after SIGTERM; so only the first one
counts, and it is never the second Ctrl-C that ends everything. One that comes when the work is done changes
nothing: what is left is to write the result. Under ``nohup`` the signal is ignored, and stays so.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNAL: signal.Signals | None = getattr(signal, "SIGHUP", None)  # there is none on Windows


def heed(stop: Callable[[], object]) -> None:
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
