"""Print which way the client's own session sends its requests with the aiohttp that is installed."""  # noqa: INP001 - a script beside the one that runs it

from __future__ import annotations

import asyncio

import aiohttp
from yarl import URL

from hourlyclicks.transport.connections import Connections
from hourlyclicks.transport.deadlines import DeadlineTimer
from hourlyclicks.transport.direct import fast_path


async def way() -> str:
    """Return it in words."""
    connections = Connections(DeadlineTimer(total=1))
    async with aiohttp.ClientSession() as session:
        timeout = aiohttp.ClientTimeout()
        found = fast_path(session, URL("http://localhost/"), connections=connections, timeout=timeout)
    return "by the fast path" if found else "through the session"


if __name__ == "__main__":
    print(f"aiohttp {aiohttp.__version__}: requests are sent {asyncio.run(way())}")  # noqa: T201 - for the log
