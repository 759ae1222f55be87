"""What tests call ``python``: a copy of a process that has imported the package."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = "HOURLYCLICKS_TESTS_SERVER"
"""The variable with the path of a server that processes share."""


def forked_python(*modules: str) -> tuple[str, ...]:
    """Return the words that stand for ``python`` in a command, with ``-m``, ``-c`` or a script after them.

    The first call starts the server, which ends with the tests, unless one is shared.

    Args:
        modules: what the server imports for the commands, beside what all need.
    """
    if not hasattr(os, "fork"):
        return (sys.executable,)
    return (sys.executable, "-I", "-S", str(Path(__file__).with_name("client.py")), server_path(*modules))


@cache
def server_path(*modules: str) -> str:
    """Return the path of the server's socket.

    Args:
        modules: as for `forked_python`.
    """
    shared = None if modules else os.environ.get(SHARED)
    return shared or _start(*modules)


def share_server() -> None:
    """Start a server for all processes that this one starts: those of ``pytest -n``.

    It imports nothing before the first command.
    """
    if hasattr(os, "fork"):
        os.environ[SHARED] = _start()


def _start(*modules: str) -> str:
    """Start a server, and return the path of its socket."""
    folder = tempfile.mkdtemp()
    path = str(Path(folder, "socket"))
    server = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", "tests.forkserver.server", path, *modules],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        server.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return path
