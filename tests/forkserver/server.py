"""A process that has imported what commands need, and runs each command in a copy of itself.

A new interpreter takes 0.4 seconds of the processor to import the package and aiohttp, a copy takes none.
The first argument is the path of a socket, to which `tests.forkserver.client` connects for each command; the
others are modules to import before the first command. The process ends when its standard input is closed.

A copy has no part in the start of an interpreter: imports, closed streams, options, and variables such as
``PYTHONPATH``; those of the encoding and of buffering are heeded. Nor does it take down what was imported at
its end, which would cost as much as 30 copies. Tests of these start an interpreter.
"""

from __future__ import annotations

import atexit
import gc
import io
import marshal
import os
import runpy
import select
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple, NoReturn

COMMANDS = ("backfill", "demo", "estimate", "export", "fetch", "simulate", "status")
NEEDED = (
    *("aiohttp", "click", "multiprocessing.connection", "platformdirs", "rich.live", "rich.progress"),
    *("hourlyclicks.client.client", "hourlyclicks.simulator", "hourlyclicks.store.sqlite"),
    "hourlyclicks.coordination.shared_backend",
    *("hourlyclicks.cli.app", "hourlyclicks.cli.actions.status_summary"),
    *(f"hourlyclicks.cli.{room}.{name}" for room in ("commands", "actions") for name in COMMANDS),
)
"""What is imported before the first command; what is missing here, each copy imports for itself.

What `hourlyclicks.client.preload` imports comes in addition.
"""
OPTIONAL = ("asyncpg", "hourlyclicks.store.postgres", "uvloop", "xlsxwriter")
"""The same, of what may not be installed."""

LOST_OUTPUT = 120
"""The exit code of an interpreter that could not write what was left in its streams."""


class Command(NamedTuple):
    """What a copy is to do.

    Args:
        words: the arguments of ``python``: ``-m`` or ``-c`` or the path of a script, and those that follow.
        folder: the working directory.
        environment: the variables of the environment.
    """

    words: list[str]
    folder: str
    environment: dict[str, str]

    def run(self) -> None:
        """Run it, as ``python`` would."""
        os.environ.clear()
        os.environ.update(self.environment)
        time.tzset()
        os.chdir(self.folder)
        _open_streams()
        first, *words = self.words
        if first == "-m":
            sys.path.insert(0, self.folder)
            sys.argv = words
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        elif first == "-c":
            sys.path.insert(0, "")
            sys.argv = [first, *words[1:]]
            exec(compile(words[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - from a test
        else:
            sys.path.insert(0, os.path.dirname(os.path.realpath(first)))  # noqa: PTH120 - of a file that is run
            sys.argv = self.words
            runpy.run_path(first, run_name="__main__")

    def run_and_exit(self) -> NoReturn:
        """Run it and end, in the order of an interpreter: threads, functions of ``atexit``, streams."""
        code = _code_of(self)
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads; multiprocessing calls it as well
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            try:
                if stream is not None and not stream.closed:
                    stream.flush()
            except OSError:
                code = LOST_OUTPUT
        if code < 0:
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        os._exit(code)


def _code_of(command: Command) -> int:
    """Run a command, and return its exit code, or what is negative if Ctrl-C was not caught."""
    try:
        command.run()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
        return ended.code & 0xFF if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException as error:  # noqa: BLE001 - the end of a process
        sys.excepthook(type(error), error, error.__traceback__)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _open_streams() -> None:
    """Open the standard streams as an interpreter does."""
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    at_once = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False), encoding)
    outward, errors = (os.fdopen(number, "wb", 0 if at_once else -1, closefd=False) for number in (1, 2))
    sys.stdout = io.TextIOWrapper(outward, encoding, line_buffering=os.isatty(1), write_through=at_once)
    sys.stderr = io.TextIOWrapper(
        errors, encoding, "backslashreplace", line_buffering=True, write_through=at_once
    )


class Server:
    """Runs commands until the standard input is closed.

    Args:
        path: of its socket.
    """

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._ended, ends = socket.socketpair()  # gets a byte when a copy has ended
        self._ended.settimeout(0)
        ends.settimeout(0)
        self._own = [self._listener, self._ended, ends]
        self._copies: dict[socket.socket, int] = {}
        signal.set_wakeup_fd(ends.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def wait(self) -> None:
        """Wait for the first command, or for the end."""
        waited_for: list[int | socket.socket] = [0, self._listener]
        select.select(waited_for, [], [])

    def serve(self) -> Command | None:
        """Run commands: return what is to be done in each copy, and nothing at the end."""
        while True:
            waited_for: list[int | socket.socket] = [0, self._listener, self._ended, *self._copies]
            ready, _, _ = select.select(waited_for, [], [])
            if self._ended in ready:
                self._ended.recv(1 << 12)
                self._report()
            for client in self._copies.keys() & set(ready):
                os.kill(self._copies[client], signal.SIGKILL)  # the client was killed
            if self._listener in ready and (command := self._copy(self._listener.accept()[0])):
                return command
            if 0 in ready:
                return None

    def _report(self) -> None:
        """Tell clients how their commands have ended."""
        for client, pid in list(self._copies.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._copies[client]
                _tell(client, os.waitstatus_to_exitcode(status))
                client.close()

    def _copy(self, client: socket.socket) -> Command | None:
        """Make a copy; return in it what a client wants to be done."""
        _, streams, _, _ = socket.recv_fds(client, 1, 3)
        with client.makefile("rb") as sent:
            command = Command(*marshal.load(sent))  # noqa: S302 - from a test
        if not (pid := os.fork()):
            self._leave(client)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
        else:
            self._copies[client] = pid
            _tell(client, pid)
        for stream in streams:
            os.close(stream)
        return None if pid else command

    def _leave(self, client: socket.socket) -> None:
        """Close in a copy what belongs to the server, and handle signals as a program in a terminal."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for each in (*self._own, *self._copies, client):
            each.close()


def _tell(client: socket.socket, number: int) -> None:
    """Send a number to a client, which may have been killed."""
    with suppress(OSError):
        client.sendall(f"{number}\n".encode())


def load(*more: str) -> None:
    """Import what is needed, and more."""
    from hourlyclicks.client.preload import load_all  # noqa: PLC0415 - not before the first command

    for name in (*NEEDED, *more):
        import_module(name)
    for name in OPTIONAL:
        with suppress(ModuleNotFoundError):
            import_module(name)
    load_all()
    for name in ("tests.forkserver", "tests"):
        del sys.modules[name]  # a command may have a module of that name
    gc.collect()
    gc.freeze()


def main(path: str, *more: str) -> None:
    """Serve, and import what is needed when there is a first command."""
    server = Server(path)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.wait()
    load(*more)
    if command := server.serve():
        command.run_and_exit()


if __name__ == "__main__":
    main(*sys.argv[1:])
