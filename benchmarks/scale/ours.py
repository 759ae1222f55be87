"""Accounts with ``hourlyclicks.fleet`` in a process of its own: ``python -m benchmarks.scale.ours``.

The process imports everything, writes a line, and begins when it reads one. At its end it writes
what it took.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg  # noqa: F401 - imported here, so that it is not measured

from benchmarks.processes import ROOT, variables
from benchmarks.scale import processor
from benchmarks.scale.scene import Scene
from hourlyclicks.fleet import AccountJob, KeyRef, run_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 500
"""Accounts of a process at a time, as `run_jobs` has it."""


class Work(NamedTuple):
    """What a process is to do.

    Args:
        url: where to fetch.
        dsn: where to keep.
        of: the arguments of the `Scene`.
        part: which of the processes it is, counted from 0.
        parts: how many processes there are; each takes its share of the accounts.
        at_once: how many accounts it takes at a time.
    """

    url: str
    dsn: str
    of: tuple[Any, ...]
    part: int = 0
    parts: int = 1
    at_once: int = AT_ONCE

    @property
    def scene(self) -> Scene:
        """All accounts."""
        return Scene(*self.of)


def jobs(scene: Scene, part: int = 0, parts: int = 1) -> Iterator[AccountJob]:
    """Yield the accounts of one of several processes."""
    for number, member in enumerate(scene.members()):
        if number % parts == part:
            yield AccountJob(
                member.name,
                key=KeyRef.call("benchmarks.scale.scene:key_of", number),
                limits=scene.limits,
                targets=[member.link],
                start=scene.range.start,
                end=scene.range.end,
            )


class Process:
    """The process, seen from outside.

    Args:
        process: the process.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def get_ready(self) -> None:
        """Wait until it has imported everything."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "ready"

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def wait(self) -> dict[str, Any]:
        """Wait for its end, and return what it took."""
        assert self._process.stdout is not None
        taken: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert self._process.wait() == 0
        return taken


@contextmanager
def process(work: Work) -> Iterator[Process]:
    """Start a process, which waits for `Process.go`."""
    words = [sys.executable, "-m", __name__, json.dumps(work)]
    with subprocess.Popen(  # noqa: S603 - ours
        words, cwd=ROOT, env=variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            yield Process(started)
        finally:
            started.kill()


async def main(work: Work) -> None:
    """Fetch the days of this process's accounts."""
    print("ready", flush=True)
    sys.stdin.readline()
    before, began = time.process_time(), time.monotonic()
    report = await run_jobs(
        jobs(work.scene, work.part, work.parts), store=work.dsn, at_once=work.at_once, base_url=work.url
    )
    taken = {
        "seconds": time.monotonic() - began,
        "processor": time.process_time() - before,
        "peak": processor.peak(),
    }
    print(report, file=sys.stderr, flush=True)
    print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Work(*json.loads(sys.argv[1]))))
