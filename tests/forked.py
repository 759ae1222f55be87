"""Processes that call a function, in copies of one which has imported what they need.

A new interpreter would take 0.3 seconds of the processor to import it. The processes are those of
`tests.forkserver`; a function and its arguments come through the standard input, from here to `call`.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import select
import signal
import socket
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from tests.forkserver.client import send_command
from tests.forkserver.starting import ROOT, server_path

if TYPE_CHECKING:
    from collections.abc import Callable

_CALL = "from tests.forked import call; call()"
_MOST_PIPES = 8


class Process:
    """A process that calls a function.

    It is killed when this is collected, or when the process ends that has made it.

    Args:
        function: the function.
        args: its arguments.
    """

    def __init__(self, function: Callable[..., object], args: tuple[object, ...]) -> None:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(server_path())
        given, sent = socket.socketpair()
        with given, sent:
            send_command(self._server, [given.fileno(), 1, 2], ["-c", _CALL], str(ROOT))
            call = _Pickled()
            call.dump((function, args))
            socket.send_fds(sent, [b"\0"], call.pipes)
            sent.sendall(call.written.getvalue())
        self._answers = self._server.makefile()
        self.pid = int(self._answers.readline())
        self._code: int | None = None

    def join(self, patience: float | None = None) -> None:
        """Wait for the end, for some seconds or without limit."""
        if self._code is None and select.select([self._server], [], [], patience)[0]:
            self._code = int(self._answers.readline())
            self._answers.close()
            self._server.close()

    @property
    def exitcode(self) -> int | None:
        """The exit code, which is negative if a signal has killed it; ``None``: it runs."""
        self.join(0)
        return self._code

    def is_alive(self) -> bool:
        """Return whether it runs."""
        return self.exitcode is None

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self.is_alive():
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, signal.SIGKILL)


class _Pickled(pickle.Pickler):
    """Writes a value in which pipes may be: these are sent beside it."""

    def __init__(self) -> None:
        self.written = io.BytesIO()
        self.pipes: list[int] = []
        super().__init__(self.written)

    def persistent_id(self, value: object) -> tuple[int, bool, bool] | None:
        if not isinstance(value, Connection):
            return None
        self.pipes.append(value.fileno())
        return len(self.pipes) - 1, value.readable, value.writable


class _Unpickled(pickle.Unpickler):
    """Reads such a value."""

    def __init__(self, written: bytes, pipes: list[int]) -> None:
        super().__init__(io.BytesIO(written))
        self._pipes = pipes

    def persistent_load(self, told: tuple[int, bool, bool]) -> Connection:
        number, readable, writable = told
        return Connection(self._pipes[number], readable, writable)


def call() -> None:
    """Call the function that this process was started for."""
    with socket.socket(fileno=os.dup(0)) as given:
        _, pipes, _, _ = socket.recv_fds(given, 1, _MOST_PIPES)
        with given.makefile("rb") as rest:
            function, args = _Unpickled(rest.read(), pipes).load()
    function(*args)


def forked(function: Callable[..., object], *args: object) -> Process:
    """Start a process that calls a function.

    Args:
        function: the function, of a module without ``pytest``, which would take long to import.
        args: its arguments, which are pickled; some may be ends of ``multiprocessing.Pipe``.
    """
    if hasattr(os, "fork"):
        return Process(function, args)
    process: Any = multiprocessing.get_context("spawn").Process(target=function, args=args)
    process.start()
    return process  # type: ignore[no-any-return]  # it can do the same


def run_forked(function: Callable[..., object], *args: object) -> int:
    """Let a process call a function, and return its exit code."""
    process = forked(function, *args)
    process.join()
    assert process.exitcode is not None
    return process.exitcode
