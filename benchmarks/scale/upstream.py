"""A simulator with a key for each account, in a process of its own: ``python -m benchmarks.scale.upstream``.

It writes its URL on a line, and what it has counted for each line that it reads.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from benchmarks.processes import ROOT, variables
from benchmarks.scale.scene import LATENCY, MINUTE, Scene
from hourlyclicks.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator


class Upstream:
    """The process, seen from outside.

    Args:
        process: the process.

    Attributes:
        url: where it listens.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = self._line()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def counts(self) -> dict[str, Any]:
        """Return what it has counted: ``requests``, ``over``, and ``most`` of a key in a window."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        counted: dict[str, Any] = json.loads(self._line())
        return counted

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def running(scene: Scene) -> Iterator[Upstream]:
    """Run it for all accounts."""
    words = [sys.executable, "-m", __name__, json.dumps(attrs.astuple(scene))]
    with subprocess.Popen(  # noqa: S603 - ours
        words, cwd=ROOT, env=variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Upstream(process)
        finally:
            process.terminate()


async def _serve(scene: Scene) -> None:
    keys = {member.key: "personal" for member in scene.members()}
    limits, scale = [(scene.requests, MINUTE)], scene.minute / MINUTE
    server = Simulator(keys=keys, limits=limits, time_scale=scale, latency=LATENCY)
    async with server:
        print(server.url, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            counters = server.counters
            counted = {
                "requests": counters.requests,
                "over": counters.over_limit + counters.over_concurrency,
                "most": max(server.max_in_window(MINUTE, key) for key in keys),
            }
            print(json.dumps(counted), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(Scene(*json.loads(sys.argv[1]))))
