"""A copy of an example application of the documentation, as a user has it, and what tests ask of it."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.simulator import Simulator

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PATIENCE = 60.0
LATENCY = (0.02, 0.05)

posix = pytest.mark.skipif(os.name != "posix", reason="there is no SIGTERM elsewhere")


def needs(*libraries: str) -> None:
    """Skip the test if a library is missing."""
    missing = [name for name in libraries if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@attrs.frozen
class Project:
    """A copy of an example, in a folder of its own, as a user has it."""

    folder: Path

    def run(self, *command: str) -> str:
        """Run a Python command in the folder, and return what it printed; it must succeed."""
        done = subprocess.run(  # noqa: S603 - our own commands
            [*forked_python(), *command],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def pytest(self, *files: str) -> str:
        """Run pytest, with the settings that the documentation asks for, and return its last line."""
        settings = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
        return self.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *settings, *files).splitlines()[-1]

    @contextmanager
    def process(self, server: Simulator, *command: str) -> Iterator[subprocess.Popen[str]]:
        """Run a Python command that asks a simulator, and kill it in the end if it is still there."""
        own = {
            "CLICKS_URL": server.url,
            "CLICKS_STORE": str(self.folder / "clicks.db"),
            "HOURLYCLICKS_API_KEY": server.key,
        }
        with subprocess.Popen(  # noqa: S603 - our own commands
            [*forked_python(), *command],
            cwd=self.folder,
            env={**os.environ, **own},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def of(name: str) -> pytest.MarkDecorator:
    """Give a test a copy of an example."""
    return pytest.mark.parametrize("project", [name], indirect=True)


def until(condition: Callable[[], bool]) -> None:
    """Wait for another process."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing has happened"
        time.sleep(0.01)


def kept(project: Project) -> int:
    """Return how many days are in the store of an example."""
    with sqlite3.connect(project.folder / "clicks.db") as store:
        [[days]] = store.execute("SELECT count(*) FROM days WHERE clicks IS NOT NULL")
    store.close()
    return int(days)
