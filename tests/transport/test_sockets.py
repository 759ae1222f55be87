"""The transport on real sockets: how a server can fail, and what is on the wire then."""

from __future__ import annotations

import asyncio
import gzip
import pickle
import socket
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import TransportError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.fetching.asking import KEY, ask, crowded, failure, held, kept_alive, needs_linux, request_to
from tests.transport.raw_server import EMPTY_DAY, OK, RawServer, Sign, answer, head, needs_c_parser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _pytest.mark import ParameterSet

    from hourlyclicks.errors import TransportKind
    from tests.transport.raw_server import Script

pytestmark = pytest.mark.usefixtures("way")

ZIPPED = gzip.compress(EMPTY_DAY)
CHUNKED = head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")


def spoiled(packed: bytes) -> bytes:
    """Flip one byte in the middle."""
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


BROKEN: dict[str, tuple[TransportKind, Script]] = {
    "closed without a byte": ("disconnected", [Sign.CLOSE]),
    "reset without a byte": ("disconnected", [Sign.RESET]),
    "closed amid the headers": ("disconnected", [b"HTTP/1.1 200 OK\r\nConte", Sign.CLOSE]),
    "reset amid the headers": ("disconnected", [b"HTTP/1.1 200 OK\r\nConte", Sign.RESET]),
    "reset after the headers": ("disconnected", [answer(b"", length=9), Sign.RESET]),
    "closed amid the body": ("disconnected", [answer(b"[", length=9), Sign.CLOSE]),
    "reset amid the body": ("disconnected", [answer(b"[", length=9), Sign.RESET]),
    "closed amid a chunk": ("disconnected", [CHUNKED + b"9\r\n[", Sign.CLOSE]),
    "no last chunk": ("disconnected", [CHUNKED + b"1\r\n[\r\n", Sign.CLOSE]),
    "a spoiled byte in gzip": ("disconnected", [answer(spoiled(ZIPPED), "Content-Encoding: gzip")]),
    "a wrong checksum in gzip": ("disconnected", [answer(ZIPPED[:-8] + bytes(8), "Content-Encoding: gzip")]),
    "gzip that is none": ("disconnected", [answer(EMPTY_DAY, "Content-Encoding: gzip")]),
    "a bad chunk": ("protocol", [CHUNKED + b"zz\r\n[\r\n"]),
    "a bad chunk after a good one": ("protocol", [CHUNKED + b"1\r\n[\r\nzz\r\n[\r\n"]),
    "a bad status line": ("protocol", [b"HTTP/1.1 good OK\r\n\r\n"]),
    "another protocol": ("protocol", [b"SSH-2.0-OpenSSH_9.6\r\n"]),
    "NUL bytes": ("protocol", [bytes(100)]),
    "NUL in a header": ("protocol", [answer(EMPTY_DAY, "X-A: a\0b")]),
    "a long header": ("protocol", [answer(EMPTY_DAY, f"X-A: {'a' * 9000}")]),
    "a thousand headers": ("protocol", [answer(EMPTY_DAY, *(f"X-{i}: a" for i in range(1000)))]),
    "two lengths": ("protocol", [answer(EMPTY_DAY, "Content-Length: 7")]),
    "length and chunks": ("protocol", [answer(EMPTY_DAY, "Transfer-Encoding: chunked")]),
    "a negative length": ("protocol", [answer(EMPTY_DAY, length=-5)]),
    "an endless length": ("protocol", [answer(EMPTY_DAY, length=10**30)]),
    "noise behind the answer": ("protocol", [OK + b"noise"]),
}


LENIENT = {
    "NUL bytes",
    "an endless length",
    "another protocol",
    "noise behind the answer",
    "two lengths",
    "a bad chunk, of which aiohttp says nothing",
}
"""What aiohttp's parser in Python reads, or waits for more of, where the one in C complains."""


def cases(names: Iterable[str]) -> list[ParameterSet]:
    """Return the cases of a test; without aiohttp's extensions only those that both parsers take alike."""
    return [pytest.param(name, marks=[needs_c_parser] if name in LENIENT else []) for name in names]


@pytest.mark.parametrize("what", cases(BROKEN))
async def test_a_broken_answer_is_one_error_of_one_request(
    what: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """Each kind of break is one request, a retryable error, and no connection left."""
    kind, script = BROKEN[what]
    server.then(script)
    error = await failure(transport, server.url)
    assert isinstance(error, TransportError)
    assert (error.kind, error.retryable, error.fatal) == (kind, True, False)
    assert len(server.requests) == server.connections == 1
    assert held(transport) == 0
    await server.deserted()
    assert (await ask(transport, server)).body == EMPTY_DAY


@pytest.mark.parametrize("end", [Sign.CLOSE, Sign.RESET])
async def test_a_kept_connection_that_ends_is_one_request_too(
    end: Sign, server: RawServer, transport: AiohttpTransport
) -> None:
    """A request on a reused connection that the server closes is not sent a second time."""
    server.then([OK], [end])
    await ask(transport, server)
    error = await failure(transport, server.url)
    assert isinstance(error, TransportError)
    assert error.kind == "disconnected"
    assert (len(server.requests), server.connections) == (2, 1)


async def test_a_kept_connection_that_ended_is_replaced(
    server: RawServer, transport: AiohttpTransport
) -> None:
    """A connection that the server closed while it was idle costs nothing."""
    server.then([OK, Sign.CLOSE])
    await ask(transport, server)
    while kept_alive(transport):  # noqa: ASYNC110 - aiohttp has no event for it
        await asyncio.sleep(0)
    assert (await ask(transport, server)).status == 200
    assert (len(server.requests), server.connections) == (2, 2)


async def test_connections_are_kept(server: RawServer, transport: AiohttpTransport) -> None:
    """Requests in a row share a connection."""
    for _ in range(3):
        await ask(transport, server)
    assert (len(server.requests), server.connections) == (3, 1)


async def test_a_reset_before_the_request_is_read(server: RawServer, transport: AiohttpTransport) -> None:
    """A server that resets every new connection is tried once."""
    server.greetings = [[Sign.RESET]]
    error = await failure(transport, server.url)
    assert isinstance(error, TransportError)
    assert error.kind in {"connect", "disconnected"}
    assert server.connections == 1


async def test_a_port_without_a_listener(transport: AiohttpTransport) -> None:
    """A refused connection is a retryable error that names the host."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, but not listening
        error = await failure(transport, f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert isinstance(error, TransportError)
    assert (error.kind, error.retryable) == ("connect", True)
    assert "127.0.0.1" in str(error)
    assert held(transport) == 0


@needs_linux
async def test_connecting_hangs() -> None:
    """Connecting has a limit of its own, and the error says so."""
    transport = AiohttpTransport(timeout=Timeout(connect=0.05))
    with crowded() as url:
        error = await failure(transport, url)
        assert held(transport) == 0
    await transport.close()
    assert isinstance(error, TransportError)
    assert (error.kind, error.retryable) == ("timeout", True)
    assert str(error) == "connecting to 127.0.0.1 took too long"


HANGING: dict[str, Script] = {
    "at the first byte": [Sign.HANG],
    "amid the headers": [b"HTTP/1.1 200 OK\r\n", Sign.HANG],
    "amid the body": [answer(b"[", length=9), Sign.HANG],
    "a byte now and then, in the headers": [b"HTTP/1.1 200 OK\r\nX-A:", Sign.DRIP],
    "a byte now and then, in the body": [answer(b"", length=100_000), Sign.DRIP],
    "behind good news": [head("HTTP/1.1 103 Early Hints"), Sign.HANG],
    "a bad chunk, of which aiohttp says nothing": [CHUNKED + b"1\r\n[\r\n", Sign.PAUSE, b"zz\r\n", Sign.HANG],
}


@pytest.mark.parametrize("where", cases(HANGING))
async def test_a_server_that_hangs_is_given_up(where: str, server: RawServer) -> None:
    """Wherever it hangs: one request, a timeout, and a closed connection."""
    server.then(HANGING[where])
    for patience in (1, 10, 100):  # on a busy machine, the time may be over before the request is sent
        transport = AiohttpTransport(timeout=Timeout(total=0.2 * patience, read=0.05 * patience))
        error = await failure(transport, server.url)
        assert isinstance(error, TransportError)
        assert (error.kind, error.retryable) == ("timeout", True)
        assert held(transport) == 0
        await server.deserted()
        await transport.close()
        if server.requests:
            break
    assert len(server.requests) == 1


@pytest.mark.parametrize("limits", [Timeout(total=0.05), Timeout(read=0.05)], ids=["total", "read"])
async def test_each_limit_holds_by_itself(limits: Timeout, server: RawServer) -> None:
    """The total limit and the one on silence each end a silence."""
    server.then([answer(b"[", length=9), Sign.HANG])
    transport = AiohttpTransport(timeout=limits)
    error = await failure(transport, server.url)
    await transport.close()
    assert isinstance(error, TransportError)
    assert error.kind == "timeout"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(
    status: int, server: RawServer, transport: AiohttpTransport
) -> None:
    """A redirect is returned as it is, and its target gets neither request nor key."""
    async with RawServer() as elsewhere:
        server.then([answer(b"", f"Location: {elsewhere.url}/", status=f"{status} Moved")])
        response = await ask(transport, server)
        assert (response.status, response.headers["location"]) == (status, f"{elsewhere.url}/")
        assert elsewhere.connections == 0
    assert len(server.requests) == 1


async def test_what_is_on_the_wire(server: RawServer, transport: AiohttpTransport) -> None:
    """A request has exactly these headers, each once."""
    await ask(transport, server)
    lines = server.requests[0].decode().split("\r\n")
    assert lines[0].startswith(
        "GET /api/statistics/v2/clicks-by-hour?linkId=kYdr&domain=https%3A%2F%2Fvvd.bz&ymd=2025-04-20 "
    )
    names = sorted(line.partition(":")[0].lower() for line in lines[1:] if line)
    assert names == ["accept", "accept-encoding", "authorization", "cache-control", "host", "user-agent"]
    assert server.header("Accept-Encoding") == "gzip, deflate"
    assert server.header("Authorization") == f"APIKey {KEY}"
    assert (server.header("User-Agent") or "").startswith("hourlyclicks/")


async def test_cookies_are_ignored(server: RawServer, transport: AiohttpTransport) -> None:
    """A cookie that the server sets is not sent back."""
    server.then([answer(EMPTY_DAY, "Set-Cookie: track=me; Path=/")])
    for _ in range(2):
        await transport.send(
            request_to(server.url.replace("127.0.0.1", "localhost"))
        )  # no jar keeps cookies of an IP
    assert server.header("Cookie") is None


@pytest.mark.parametrize("what", cases(BROKEN))
async def test_an_error_holds_plain_values_only(
    what: str, server: RawServer, transport: AiohttpTransport
) -> None:
    """No error holds those of aiohttp, which hold the key, or the key itself."""
    server.then(BROKEN[what][1])
    error = await failure(transport, server.url)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert KEY not in repr((error, error.args, vars(error)))
    assert KEY.encode() not in pickle.dumps(error)
    assert {type(value) for value in vars(error).values()} <= {str, bool}
