"""Stands for ``python``: has a command run by `tests.forkserver.server`, and ends as the command has ended.

Its arguments are the path of the server's socket, and those of ``python``. The command has the folder, the
environment and the standard streams of this process, and gets its signals. When this process is killed, the
server kills the command, but a moment later, and its process has another number: tests of these start an
interpreter.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
import sys
from contextlib import suppress

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(path: str, words: list[str]) -> int:
    """Have a command run, and return its exit code, which is negative if a signal has killed it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # until it is known where they go
    with socket.socket(socket.AF_UNIX) as server, server.makefile() as answers:
        server.connect(path)
        send_command(server, [0, 1, 2], words, os.getcwd())  # noqa: PTH109 - pathlib takes time
        forward(int(answers.readline()))
        return int(answers.readline())


def send_command(server: socket.socket, streams: list[int], words: list[str], folder: str) -> None:
    """Tell a server what to do; it answers with a number of a process, and in the end with an exit code."""
    socket.send_fds(server, [b"\0"], streams)
    server.sendall(marshal.dumps((words, folder, dict(os.environ))))


def forward(pid: int) -> None:
    """Leave the streams to a process, and send it the signals that this one gets."""

    def send(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(pid, number)

    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    for name in FORWARDED:
        signal.signal(name, send)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)


if __name__ == "__main__":
    code = run(sys.argv[1], sys.argv[2:])
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
