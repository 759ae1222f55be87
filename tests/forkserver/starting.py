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

_ROOT = Path(__file__).parents[2]


@cache
def forked_python(*modules: str) -> tuple[str, ...]:
    """Return the words that stand for ``python`` in a command, with ``-m``, ``-c`` or a script after them.

    The first call starts the server, which ends with the tests.

    Args:
        modules: what the server imports for the commands, beside what all need.
    """
    if not hasattr(os, "fork"):
        return (sys.executable,)
    folder = tempfile.mkdtemp()
    path = str(Path(folder, "socket"))
    server = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-m", "tests.forkserver.server", path, *modules],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

    def end() -> None:
        server.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return (sys.executable, "-I", "-S", str(Path(__file__).with_name("client.py")), path)
