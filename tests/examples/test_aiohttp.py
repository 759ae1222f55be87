"""The aiohttp service of the documentation, as a process with real browsers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from hourlyclicks.simulator import Hang, Late, Rule, Script, Simulator
from tests.examples.test_fastapi import stored_days
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no SIGTERM elsewhere")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "aiohttp_app.py"
WEEK = {"start": "2024-03-01", "end": "2024-03-07"}


@contextlib.asynccontextmanager
async def serving(
    upstream: Simulator, folder: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, aiohttp.ClientSession]]:
    """Run the service, and yield its process and what sends requests to it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    own = {"PORT": port, "CLICKS_URL": upstream.url, "HOURLYCLICKS_API_KEY": upstream.key}
    process = await asyncio.create_subprocess_exec(
        *forked_python(),
        str(EXAMPLE),
        cwd=folder,
        env={**os.environ, **own},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as browser:
            async with asyncio.timeout(60):
                while not await state_of(browser):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.02)
            yield process, browser
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def state_of(browser: aiohttp.ClientSession) -> dict[str, Any]:
    """Return what the client of the service is doing; nothing if the service does not answer."""
    try:
        async with browser.get("/healthz") as answer:
            values: dict[str, Any] = await answer.json()
            return values
    except aiohttp.ClientConnectionError:
        return {}


async def settled(browser: aiohttp.ClientSession) -> bool:
    """Return whether the client has nothing to send and nothing in flight."""
    state = await state_of(browser)
    return not state["interactive"]["unsent"] and not state["in_flight"]


async def sent(upstream: Simulator, requests: int) -> None:
    """Wait until so many requests have reached the API."""
    async with asyncio.timeout(60):
        while upstream.counters.requests < requests:  # noqa: ASYNC110 - the server has nothing to wait on
            await asyncio.sleep(0.01)


async def test_browsers_that_leave_and_the_end(tmp_path: Path) -> None:
    """Nothing more is sent for a browser that has left; after SIGTERM a browser that waits is told."""
    upstream = Simulator(plan="personal", latency=(0.01, 0.02))
    async with upstream, serving(upstream, tmp_path) as (process, browser):
        async with browser.get("/clicks/kYdr", params=WEEK) as answer:
            assert (answer.status, len(await answer.json())) == (200, 7)
        async with browser.get("/clicks/kYdr", params=WEEK | {"end": "2024-03-31"}) as answer:
            assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)

        upstream.faults = Script(Rule(Late(0.3)))
        leaving = asyncio.create_task(browser.get("/clicks/talk", params=WEEK | {"end": "2024-03-02"}))
        await sent(upstream, 8)
        leaving.cancel()
        async with asyncio.timeout(60):
            while not await settled(browser):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        assert upstream.counters.requests == 8

        upstream.faults = Script(Rule(Hang()))
        waiting = asyncio.create_task(browser.get("/clicks/docs", params=WEEK | {"end": "2024-03-01"}))
        await sent(upstream, 9)
        process.send_signal(signal.SIGTERM)
        async with await waiting as answer:
            assert (answer.status, await answer.json()) == (503, {"error": "the client is closed"})
        assert await process.wait() == 0
        assert stored_days(tmp_path) == upstream.counters.count(status=200) == 8
