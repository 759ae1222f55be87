"""A simulator in a thread of its own, and the command line run against it."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from hourlyclicks.cli.app import app
from hourlyclicks.simulator import DEFAULT_KEY, Simulator
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from click.testing import Result

    from hourlyclicks.simulator import Asked, Fault

ROOT = Path(__file__).parents[2]
LINK = ("--link", "kYdr", "--domain", "https://vvd.bz")
APRIL = ("--from", "2025-04-01", "--to", "2025-04-30")
FAST = ("--limit", "10000/0.1", "--concurrency", "2")
"""Limits that cause no wait; a pause is one window."""

ONE_AT_A_TIME = ("--limit", "10000/0.1", "--concurrency", "1")
NOW_ASKED = 6
"""The request that is interrupted."""

ENVIRONMENT = {
    **{
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "HOURLYCLICKS", "PYTHONUNBUFFERED"))
    },
    "HOURLYCLICKS_API_KEY": DEFAULT_KEY,
    "PYTHONPATH": str(ROOT),
    "PYTHONIOENCODING": "utf-8",
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
    "TERM": "xterm-256color",
    "COLUMNS": "80",
    "LINES": "24",
}
PATIENCE = 60.0


@contextmanager
def serving(**options: Any) -> Iterator[Simulator]:  # noqa: ANN401 - whatever the simulator takes
    """Run a simulator without limits on a socket, in another thread with another event loop."""
    started, simulators = threading.Event(), []

    async def serve() -> None:
        async with Simulator(**{"limits": (), "concurrency": 0, **options}) as simulator:
            simulators.append((simulator, asyncio.get_running_loop(), asyncio.Event()))
            started.set()
            await simulators[0][2].wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield simulators[0][0]
    finally:
        _, loop, ended = simulators[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join()


_APART: dict[str, Any] = (
    {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
)
"""Before click 8.2, stdout and stderr are kept apart on demand only."""


def invoke(*words: str, env: dict[str, str | None] | None = None) -> Result:
    """Run a command in this process."""
    with_key: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": DEFAULT_KEY, "TERM": "dumb"}
    runner = CliRunner(env={**with_key, **(env or {})}, **_APART)
    return runner.invoke(app, list(words), prog_name="hourlyclicks")


NUMBERED = """
import os, runpy
print(os.getpid(), flush=True)
runpy.run_module("hourlyclicks", run_name="__main__", alter_sys=True)
"""


def start(*words: str, **options: Any) -> AbstractContextManager[subprocess.Popen[str]]:  # noqa: ANN401 - passed on
    """Run a command as a process with its streams in pipes, which does not outlive the block.

    It is a copy of a process that has imported the command. What is returned only stands for it: its number
    is another one, and when it is killed, the command is killed a moment later, which closes its streams.
    """
    return _started([*forked_python(), "-m", "hourlyclicks", *words], options)


@contextmanager
def start_numbered(*words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a command likewise, and tell the number of its own process."""
    with _started([*forked_python(), "-c", NUMBERED, *words], {}) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


@contextmanager
def _started(command: list[str], options: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    defaults: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT}
    with subprocess.Popen(command, cwd=ROOT, encoding="utf-8", **{**defaults, **options}) as process:  # noqa: S603 - ours
        try:
            yield process
        except BaseException:
            process.kill()
            raise


class Stopper:
    """Faults that answer as usual until a given request, and report that it has come.

    Args:
        number: which request, from 1.
        fault: what it gets, and all that follow.
    """

    def __init__(self, number: int, fault: Fault) -> None:
        self.reached = threading.Event()
        self._number = number
        self._fault = fault

    def pick(self, asked: Asked) -> Fault | None:
        """See `hourlyclicks.simulator.Faults`."""
        if asked.number < self._number:
            return None
        self.reached.set()
        return self._fault


class Barrier:
    """Faults that answer as usual, but wait before a given request until they are opened.

    Args:
        number: which request, from 1.
    """

    def __init__(self, number: int) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self._number = number

    def pick(self, asked: Asked) -> None:
        """See `hourlyclicks.simulator.Faults`."""
        if asked.number == self._number:
            self.reached.set()
            self.opened.wait(PATIENCE)


def read_all(terminal: int) -> str:
    """Return everything that is shown on a terminal until the other end is closed."""
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65_536)
        except OSError:  # on Linux, when the other end is closed
            piece = b""
        if not piece:
            return shown.decode("utf-8", "replace")
        shown += piece
