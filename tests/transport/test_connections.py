"""Which connections are reused: real sockets, each of which may lead to another backend."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import aiohttp
import pytest

from hourlyclicks import Client, Limits, RetryPolicy
from hourlyclicks.errors import TransportError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.fetching.asking import KEY, LINK, ask, failure, held
from tests.transport.raw_server import EMPTY_DAY, OK, Sign, answer, needs_c_parser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.transport.raw_server import RawServer

    Backend: TypeAlias = Callable[[int, int], bytes | None]

pytestmark = pytest.mark.usefixtures("way")

FREE = Limits(concurrency=1)
QUICK = RetryPolicy(base=0)


class Balancer:
    """A server whose connections each lead to one backend.

    Args:
        backend: told the number of the connection and of the request on it, each from 0; returns the answer,
            or ``None`` to drop the connection.

    Attributes:
        served: the connection of each request.
    """

    def __init__(self, backend: Backend) -> None:
        self.served: list[int] = []
        self._backend = backend
        self._connections = 0

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        """Serve, and yield the base URL."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, self._connections = self._connections, self._connections + 1
        number = 0
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.served.append(connection)
                found = self._backend(connection, number)
                number += 1
                if found is None:
                    break
                writer.write(found)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.transport.abort()


BAD: dict[str, bytes] = {
    "500": answer(b"oops", status="500 Oops"),
    "502 without a body": answer(b"", status="502 Bad Gateway"),
    "408": answer(b"", status="408 Request Timeout"),
    "503 that asks to wait": answer(b"", "Retry-After: 0.001", status="503 Busy"),
    "not JSON": answer(b"<html>"),
    "another day": answer(
        b'{"code": 0, "result": [{"ymd": "1999-01-01", "hour": 1, "acesCnt": 1, "pernCnt": 1}]}'
    ),
    "nothing": answer(b"", status="204 No Content"),
}


@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
@pytest.mark.parametrize("what", BAD)
async def test_a_failing_backend_is_left(what: str, *, given: bool) -> None:
    """After a bad answer the next attempts use another connection."""
    balancer = Balancer(lambda connection, _: OK if connection else BAD[what])
    async with balancer.run() as url, aiohttp.ClientSession() as session:
        options = {"session": session} if given else {}
        async with Client(KEY, base_url=url, limits=FREE, retry=QUICK, **options) as client:  # type: ignore[arg-type]  # just the session
            series = await client.fetch("2025-04-01", "2025-04-05", LINK)
    assert series.missing_days == ()
    assert balancer.served == [0, 1, 1, 1, 1, 1]


async def test_a_good_connection_is_kept() -> None:
    """Any answer of the API itself, and a 429, keep the connection."""
    answers = [
        answer(b'{"code": 7, "message": "no such link", "result": []}'),
        answer(b"", "Retry-After: 0.001", status="429 Slow down"),
    ]
    balancer = Balancer(lambda _, number: answers[number] if number < len(answers) else OK)
    async with balancer.run() as url, Client(KEY, base_url=url, limits=FREE, retry=QUICK) as client:
        await client.fetch("2025-04-01", "2025-04-05", LINK, strict=False)
    assert set(balancer.served) == {0}


@pytest.mark.parametrize("status", [421, 425, 500, 503])
async def test_such_a_status_leaves_no_connection(
    status: int, server: RawServer, transport: AiohttpTransport
) -> None:
    """A status that another backend may not have closes its connection, with or without a body."""
    for body in (b"", b"sorry", bytes(100_000)):
        server.then([answer(body, status=f"{status} Sorry")])
        assert (await ask(transport, server)).body == body[: 1 << 17][: len(body)]
        assert held(transport) == 0
        await server.deserted()


@pytest.mark.parametrize("given", [False, True], ids=["own", "given"])
async def test_a_peer_that_drops_what_it_promised_to_keep(*, given: bool) -> None:
    """A peer that drops each reused connection costs two requests and no retry; then none is reused."""
    balancer = Balancer(lambda _, number: None if number else OK)
    async with balancer.run() as url, aiohttp.ClientSession() as session:
        options = {"session": session} if given else {}
        retry = RetryPolicy(attempts=1, budget=0)
        async with Client(KEY, base_url=url, limits=FREE, retry=retry, **options) as client:  # type: ignore[arg-type]  # just the session
            series = await client.fetch("2025-04-01", "2025-05-30", LINK)
    assert series.missing_days == ()
    assert len(balancer.served) == 60 + 2


async def test_requests_that_die_together_are_one_death() -> None:
    """A server that restarts drops all its connections at once; afterwards they are reused as before."""
    restart = asyncio.Event()

    def backend(connection: int, number: int) -> bytes | None:
        if number and connection < 3:
            restart.set()
        return None if number and connection < 3 else OK

    balancer = Balancer(backend)
    limits, retry = Limits(concurrency=3), RetryPolicy(attempts=1, budget=0)
    async with balancer.run() as url, Client(KEY, base_url=url, limits=limits, retry=retry) as client:
        for _ in range(3):
            await asyncio.gather(*(client.day(f"2025-04-0{day}", LINK) for day in range(1, 4)))
    assert restart.is_set()
    assert len(set(balancer.served)) <= 8


@needs_c_parser
async def test_a_death_after_the_first_byte_is_a_failure(
    server: RawServer, transport: AiohttpTransport
) -> None:
    """A reused connection that ends amid the headers was not stale, and neither was a new one."""
    for script in ([b"HTTP/1.1 200 OK\r\nConte", Sign.CLOSE], [Sign.CLOSE]):
        server.then([OK], script) if len(script) > 1 else server.then(script)  # type: ignore[arg-type]  # steps
        if len(script) > 1:
            await ask(transport, server)
        error = await failure(transport, server.url)
        assert isinstance(error, TransportError)
        assert not error.stale


async def test_each_resend_takes_a_slot() -> None:
    """A request that is sent again after a stale connection waits for a slot under the limit."""
    balancer = Balancer(lambda _, number: None if number else OK)
    async with balancer.run() as url, Client(KEY, base_url=url, limits=FREE, retry=QUICK) as client:
        series = await client.fetch("2025-04-01", "2025-04-09", LINK)
        window = client._engine.limiter._backend.throttle.window  # type: ignore[attr-defined]  # a pace of its own
        assert not window._sent
    assert len(balancer.served) == len(series.range) + 2


async def test_an_idle_connection_is_closed_when_its_answer_was_bad(server: RawServer) -> None:
    """Discarding an answer closes its connection if it is idle, and never one in use."""
    transport = AiohttpTransport(timeout=Timeout())
    first = await ask(transport, server)
    server.then([Sign.PAUSE, OK])
    second = asyncio.create_task(ask(transport, server))
    await server.arrivals(2)
    first.discard()  # its connection carries the second one by now
    response = await second
    assert (response.body, server.connections) == (EMPTY_DAY, 1)
    response.discard()
    await server.deserted()
    await transport.close()
