"""Proxies: a real one on loopback that tunnels, and those that must not see the key."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import aiohttp
import pytest

from hourlyclicks import Client, Limits, RetryPolicy, UsageError
from hourlyclicks.errors import TransportError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.transport.proxies import environment_proxy, proxy_url
from tests.fetching.asking import KEY, LINK, ask, failure
from tests.transport.raw_server import RawServer
from tests.transport.tls import serving, trusting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOGIN = "ann:secret%20word"


class Tunnels:
    """A proxy that supports CONNECT.

    Attributes:
        seen: the heads of what it was asked.
        answer: what it says instead of opening a tunnel.
    """

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.answer = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Open a tunnel for a connection, or refuse to."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.seen.append(head)
        if self.answer:
            writer.write(self.answer)
            await writer.drain()
            writer.close()
            return
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while some := await reader.read(1 << 16):
            writer.write(some)
    except OSError:
        pass
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Tunnels]:
    """A proxy that opens tunnels until told otherwise."""
    tunnels = Tunnels()
    server = await asyncio.start_server(tunnels.serve, "127.0.0.1", 0)
    async with server:
        tunnels.port = server.sockets[0].getsockname()[1]
        yield tunnels


@pytest.fixture
async def secure(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RawServer]:
    """A server with a certificate that this process trusts."""
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting())
    async with RawServer(tls=serving()) as server:
        yield server


async def test_https_goes_through_a_tunnel(proxy: Tunnels, secure: RawServer) -> None:
    """A proxy sees the host name and its own login, but neither key nor query."""
    client = Client(
        KEY, base_url=secure.url, proxy=f"http://{LOGIN}@127.0.0.1:{proxy.port}", limits=Limits(concurrency=1)
    )
    async with client:
        assert (await client.fetch("2025-04-01", "2025-04-03", LINK)).missing_days == ()
    assert len(secure.requests) == 3
    (head,) = proxy.seen
    assert head.startswith(f"CONNECT 127.0.0.1:{secure.port} ".encode())
    assert base64.b64encode(b"ann:secret word") in head
    assert KEY.encode() not in head


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
async def test_a_proxy_that_refuses(status: str, proxy: Tunnels, secure: RawServer) -> None:
    """The error names the proxy; a 407 before any answer is fatal."""
    proxy.answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    transport = AiohttpTransport(timeout=Timeout(), proxy=f"http://{LOGIN}@127.0.0.1:{proxy.port}")
    error = await failure(transport, secure.url)
    await transport.close()
    assert isinstance(error, TransportError)
    assert f"refused the connection (HTTP {status[:3]})" in str(error)
    assert ("password" in str(error)) == error.fatal == (status[:3] == "407")
    assert "secret" not in repr((error, vars(error)))
    assert secure.requests == []


async def test_a_proxy_that_has_no_address() -> None:
    """If the proxy cannot be resolved, the error does not name the host of the API as the cause."""
    transport = AiohttpTransport(timeout=Timeout(), proxy=f"http://{LOGIN}@proxy.invalid:3128")
    error = await failure(transport, "https://clicks.invalid")
    await transport.close()
    assert isinstance(error, TransportError)
    assert (error.kind, error.retryable) == ("dns", True)
    assert str(error) == "cannot resolve the name of the proxy on the way to clicks.invalid"


async def test_a_proxy_that_wants_a_password_for_a_moment(proxy: Tunnels, secure: RawServer) -> None:
    """A 407 after a good answer is retried."""
    secure.then([b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"])
    proxied = f"http://127.0.0.1:{proxy.port}"
    transport = AiohttpTransport(timeout=Timeout(), proxy=proxied)
    assert (await ask(transport, secure)).status == 500  # its connection is not kept
    proxy.answer = b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"
    error = await failure(transport, secure.url)
    await transport.close()
    assert (error.retryable, error.fatal) == (True, False)


WRONG = [
    "",
    "proxy",
    "ftp://proxy",
    "http://",
    "http://:secret@",
    "socks5://secret@proxy:1",
    "http://x:99999",
]


@pytest.mark.parametrize("proxy", WRONG)
def test_an_invalid_proxy_is_an_error(proxy: str) -> None:
    """It is rejected where it is given, without being quoted."""
    with pytest.raises(UsageError) as caught:
        Client(KEY, proxy=proxy)
    assert "secret" not in str(caught.value)


async def test_a_proxy_does_not_see_the_key_in_clear(proxy: Tunnels, server: RawServer) -> None:
    """With http a proxy would see the key, so nothing is sent."""
    transport = AiohttpTransport(timeout=Timeout(), proxy=f"http://127.0.0.1:{proxy.port}")
    error = await failure(transport, server.url)
    assert isinstance(error, UsageError)
    assert error.fatal
    assert (proxy.seen, server.requests) == ([], [])


async def test_a_proxy_of_a_session_does_not_see_the_key(proxy: Tunnels, server: RawServer) -> None:
    """A session with a proxy is rejected for http before anything is sent."""
    async with aiohttp.ClientSession(proxy=f"http://127.0.0.1:{proxy.port}") as session:
        error = await failure(AiohttpTransport(session, timeout=Timeout()), server.url)
    assert isinstance(error, UsageError)
    assert error.fatal
    assert (proxy.seen, server.requests) == ([], [])


@pytest.mark.parametrize("allow_http", [False, True])
async def test_a_proxy_of_the_environment_does_not_see_the_key(
    proxy: Tunnels, server: RawServer, monkeypatch: pytest.MonkeyPatch, *, allow_http: bool
) -> None:
    """A session that trusts the environment sends nothing over http to the proxy named there."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    options = {"base_url": server.url, "allow_http": allow_http, "retry": RetryPolicy(attempts=1)}
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with Client(KEY, session=session, **options) as client:  # type: ignore[arg-type]  # as they are
            with pytest.raises(UsageError, match="no_proxy"):
                await client.day("2025-04-01", LINK)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        async with Client(KEY, session=session, **options) as client:  # type: ignore[arg-type]  # as they are
            await client.day("2025-04-01", LINK)
    assert (len(proxy.seen), len(server.requests)) == (0, 1)


async def test_a_session_that_trusts_the_environment_may_tunnel(
    proxy: Tunnels, secure: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session with trust_env reaches https through the proxy of the environment."""
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    async with aiohttp.ClientSession(trust_env=True) as session:
        assert (await ask(AiohttpTransport(session, timeout=Timeout()), secure)).status == 200
    assert len(proxy.seen) == 1


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://a:1"}, "http://a:1"),
        ({"https_proxy": "b:1", "HTTPS_PROXY": "http://a:1"}, "http://b:1"),
        ({"ALL_PROXY": "http://c"}, "http://c"),
        ({"HTTP_PROXY": "http://d"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "example"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "other.example"}, "http://a:1"),
        ({"HTTPS_PROXY": ""}, None),
    ],
)
def test_the_proxy_of_the_environment(
    environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS_PROXY, ALL_PROXY and NO_PROXY have their usual meaning, for https only."""
    for name in ("https_proxy", "all_proxy", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy("https://clicks.example/api") == expected
    assert environment_proxy("http://clicks.example") is None
    assert environment_proxy("https://[") is None


def test_the_url_of_a_proxy_is_kept_as_it_is() -> None:
    """A proxy may use TLS, and have a login and no port."""
    assert str(proxy_url("https://a:b@proxy.example")) == "https://a:b@proxy.example"
