"""What lies behind the examples of this documentation when they run as tests.

The reader's code stands there as it is. Here, `https://vivoldi.com` is a simulator in the same process, on a
clock that passes only when every task waits, so an example may take minutes of its own time.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from typing import TYPE_CHECKING, Any, cast

import pytest

import hourlyclicks.client.resources
import hourlyclicks.coordination.runs
import hourlyclicks.store.shared_clock
from hourlyclicks.fleet import run_jobs
from hourlyclicks.simulator import DEFAULT_KEY, Simulator, VirtualClock, VirtualEventLoop
from hourlyclicks.transport.aiohttp import AiohttpTransport

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.transport.protocol import Timeout

TODAY = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)


class World:
    """What lies behind one page: a clock, an event loop, an upstream, and a folder to write to.

    Hidden blocks of a page reach it as ``world``.
    """

    def __init__(self) -> None:
        self.clock = VirtualClock(TODAY)
        self.upstream = Simulator(plan="enterprise", limits=(), latency=(0.02, 0.15), concurrency=0)
        self.runner = asyncio.Runner(loop_factory=lambda: VirtualEventLoop(self.clock))
        self._folder = tempfile.TemporaryDirectory()
        self._patches = pytest.MonkeyPatch()
        self._answers = pytest.MonkeyPatch()

    def open(self) -> None:
        """Put it in place of the real one."""
        for function in (hourlyclicks.Client.__init__, Simulator.__init__, run_jobs):
            defaults = cast("dict[str, Any]", function.__kwdefaults__)
            self._patches.setitem(defaults, "clock", self.clock)
        for module in (hourlyclicks.store.shared_clock, hourlyclicks.coordination.runs):
            self._patches.setattr(module, "SystemClock", lambda: self.clock)
        self._answers.setattr(hourlyclicks.client.resources, "AiohttpTransport", self._transport)
        self._patches.setenv("HOURLYCLICKS_API_KEY", DEFAULT_KEY)
        self._patches.chdir(self._folder.name)

    def answer_nothing(self) -> None:
        """Leave the vendor's host to what the page puts in its place."""
        self._answers.undo()

    def close(self) -> None:
        """Bring the real one back."""
        self.runner.close()
        self._answers.undo()
        self._patches.undo()
        self._folder.cleanup()

    def _transport(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        timeout: Timeout,
        proxy: str | URL | None = None,
    ) -> Junction:
        return Junction(self, AiohttpTransport(session, timeout=timeout, proxy=proxy))


class Junction:
    """Bring requests to the vendor's host to the world's upstream, and all others where they belong."""

    def __init__(self, world: World, real: AiohttpTransport) -> None:
        self._simulated = world.upstream.transport(world.clock)
        self._real = real

    async def send(self, request: Request) -> Response:
        """See `hourlyclicks.Transport`."""
        way = self._simulated if request.url.host == "vivoldi.com" else self._real
        return await way.send(request)

    async def close(self) -> None:
        """See `hourlyclicks.Transport`."""
        await self._simulated.close()
        await self._real.close()
