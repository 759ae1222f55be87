"""A request that is cancelled at any await leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import UsageError
from tests.fetching.asking import ask, crowded, failure, held, needs_linux, request_to
from tests.transport.raw_server import Sign, answer

if TYPE_CHECKING:
    from hourlyclicks.transport.aiohttp import AiohttpTransport
    from tests.transport.raw_server import RawServer, Script

pytestmark = pytest.mark.usefixtures("way")

WAITING: dict[str, Script] = {
    "for the first byte": [Sign.HANG],
    "amid the headers": [b"HTTP/1.1 200 OK\r\n", Sign.HANG],
    "amid the body": [answer(b"[", length=9), Sign.HANG],
    "amid the body of a 429": [answer(b"[", length=9, status="429 Slow down"), Sign.HANG],
}


async def leave(task: asyncio.Task[Any]) -> None:
    """Cancel a task, which ends at once and as cancelled."""
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize("where", WAITING)
async def test_a_cancelled_request_closes_the_connection(
    where: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """Cancelled at any await, it leaves no connection, and the next request is answered."""
    server.then(WAITING[where])
    task = asyncio.create_task(ask(transport, server))
    await server.arrivals(1)
    await asyncio.sleep(0.01)  # let what the server sent arrive
    await leave(task)
    assert held(transport) == 0
    await server.deserted()
    assert (await ask(transport, server)).status == 200


@needs_linux
async def test_a_request_cancelled_while_connecting(server: RawServer, transport: AiohttpTransport) -> None:
    """It leaves no connection."""
    with crowded() as url:
        task = asyncio.create_task(transport.send(request_to(url)))
        await asyncio.sleep(0.01)
        await leave(task)
    assert held(transport) == 0
    assert (await ask(transport, server)).status == 200


@pytest.mark.parametrize("where", WAITING)
async def test_a_timeout_of_the_caller_stays_theirs(
    where: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """A timeout around a request raises the caller's TimeoutError, not an error of ours."""
    server.then(WAITING[where])
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.02):
            await ask(transport, server)
    assert type(caught.value) is TimeoutError
    assert held(transport) == 0


async def test_closing_ends_requests_in_flight(server: RawServer, transport: AiohttpTransport) -> None:
    """A request in flight when the transport is closed ends at once with a fatal error that says so."""
    server.then([Sign.HANG])
    task = asyncio.create_task(failure(transport, server.url))
    await server.arrivals(1)
    await transport.close()
    error = await task
    assert isinstance(error, UsageError)
    assert error.fatal
    await server.deserted()
