"""Read a stream to its end, which may never come: only a signal ends the wait for it.

Theory. The interpreter calls the handler of a signal between two steps of a program. A call that waits in the
kernel is interrupted for that; but a signal that comes right before such a call, after the interpreter has
last looked, is noticed only when the call returns. So nothing is read here before something is there to be
read. What waits for it waits for a socket as well, into which the interpreter writes at every signal, and
which therefore is ready also if the signal came before.
"""

from __future__ import annotations

import io
import select
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

_PIECE = 65_536


def read_to_end(stream: BufferedReader) -> bytes:
    """Return all that a stream holds, unless the handler of a signal raises an exception meanwhile.

    Args:
        stream: the stream, of which nothing was read before.

    Raises:
        OSError: it cannot be read.
    """
    pieces: list[bytes] = []
    with _signals(stream) as signals:
        while True:
            if signals is not None:
                _wait(stream, signals)
            piece = stream.read1(_PIECE)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)


def _wait(stream: BufferedReader, signals: socket.socket) -> None:
    """Wait until there is something to read, or the end."""
    while True:
        ready, _, _ = select.select([stream.fileno(), signals.fileno()], [], [])
        if stream.fileno() in ready:
            return
        signals.recv(_PIECE)  # of a signal whose handler has raised nothing


@contextmanager
def _signals(stream: BufferedReader) -> Iterator[socket.socket | None]:
    """Provide a socket into which every signal is written; ``None``: the stream is not waited for."""
    if sys.platform == "win32" or not _is_open(stream):  # where only sockets can be waited for
        yield None
        return
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)  # noqa: FBT003 - the signature of the standard library
        try:
            before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        except ValueError:  # this is not the main thread, which alone gets signals
            yield None
            return
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(before)


def _is_open(stream: BufferedReader) -> bool:
    """Return whether a stream has a descriptor; one in memory has none."""
    try:
        return stream.fileno() >= 0
    except io.UnsupportedOperation:
        return False
