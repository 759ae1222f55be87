"""The worker processes of the demonstration of a fleet, one of which is killed in the middle."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import hourlyclicks
from hourlyclicks.cli.demo import fleet_worker
from hourlyclicks.cli.demo.fleet_settings import WORKERS, key, variable
from hourlyclicks.cli.demo.killing import kill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class WorkerProcesses:
    """All worker processes.

    Attributes:
        killed: the process that was killed.
    """

    def __init__(self) -> None:
        self.killed: int | None = None
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, *words: str, environment: dict[str, str]) -> None:
        """Start one more, with these arguments."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", fleet_worker.__name__, *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for us
        )
        self._processes.append(process)

    @property
    def running(self) -> bool:
        """Whether any of them works."""
        return any(process.returncode is None for process in self._processes)

    async def kill_one(self) -> bool:
        """Kill the first of them, without a warning; return ``False`` if it has ended by itself."""
        first = self._processes[0]
        if first.returncode is not None or not kill(first.pid):
            return False
        self.killed = first.pid
        await first.wait()
        return True

    async def end(self) -> None:
        """Kill all of them, and wait until they have ended."""
        for process in self._processes:
            if process.returncode is None:
                kill(process.pid)
        await self.wait()

    async def wait(self) -> None:
        """Wait until all of them have ended."""
        await asyncio.gather(*(process.wait() for process in self._processes))


@asynccontextmanager
async def started(url: str, store: Path, accounts: int, days: int) -> AsyncIterator[WorkerProcesses]:
    """Start the workers, and end those that still run at the end.

    Args:
        url: where they fetch.
        store: where they keep.
        accounts: how many accounts there are.
        days: how many days each account fetches.
    """
    ours, theirs = str(Path(hourlyclicks.__file__).parents[1]), os.environ.get("PYTHONPATH")
    paths = os.pathsep.join([ours, theirs] if theirs else [ours])
    keys = {variable(number): key(number) for number in range(accounts)}
    environment = {**os.environ, **keys, "PYTHONPATH": paths}
    workers = WorkerProcesses()
    try:
        for _ in range(WORKERS):
            await workers.start(url, str(store), str(accounts), str(days), environment=environment)
        yield workers
    finally:
        await workers.end()
