"""Certificates, names, and sessions of the user."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import socket
import ssl
import warnings
from typing import TYPE_CHECKING

import aiohttp
import pytest

from hourlyclicks.errors import TransportError, UsageError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.fetching.asking import KEY, Unresolved, ask, failure, held
from tests.transport.raw_server import RawServer, Sign, answer
from tests.transport.tls import CERTS, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hourlyclicks.errors import HourlyClicksError


@pytest.fixture
async def secure_server() -> AsyncIterator[RawServer]:
    """A server with an untrusted certificate."""
    async with RawServer(tls=serving()) as server:
        yield server


def fingerprint() -> bytes:
    """Return the SHA-256 of the certificate."""
    pem = (CERTS / "loopback.cert.pem").read_text("ascii")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()


async def test_an_untrusted_certificate(secure_server: RawServer, transport: AiohttpTransport) -> None:
    """A bad certificate is fatal, before the key is sent."""
    error = await failure(transport, secure_server.url)
    assert isinstance(error, TransportError)
    assert (error.kind, error.retryable, error.fatal) == ("tls", False, True)
    assert "certificate" in str(error)
    assert secure_server.requests == []
    assert held(transport) == 0


async def test_no_tls_at_the_other_end(server: RawServer, transport: AiohttpTransport) -> None:
    """A server that answers without TLS is a TLS error, too."""
    server.greetings = [[b"HTTP/1.1 400 Bad Request\r\n\r\n", Sign.CLOSE]]
    error = await failure(transport, server.url.replace("http:", "https:"))
    assert isinstance(error, TransportError)
    assert (error.kind, error.fatal) == ("tls", True)


async def test_a_pinned_certificate(secure_server: RawServer) -> None:
    """A session that pins the certificate works with it, and with no other."""
    good, bad = (aiohttp.Fingerprint(digest) for digest in (fingerprint(), bytes(32)))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=good)) as session:
        assert (await ask(AiohttpTransport(session, timeout=Timeout()), secure_server)).status == 200
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=bad)) as session:
        error = await failure(AiohttpTransport(session, timeout=Timeout()), secure_server.url)
    assert isinstance(error, TransportError)
    assert (error.kind, error.fatal) == ("tls", True)


async def test_an_unknown_host() -> None:
    """The error says that the host cannot be resolved."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Unresolved())) as session:
        error = await failure(AiohttpTransport(session, timeout=Timeout()), "https://clicks.invalid")
    assert isinstance(error, TransportError)
    assert (error.kind, error.retryable) == ("dns", True)
    assert str(error) == "cannot resolve clicks.invalid"


async def test_a_given_session_is_used_and_left_open(server: RawServer) -> None:
    """A session of the user carries the requests, keeps its own headers, and is not closed."""
    async with aiohttp.ClientSession(headers={"X-Team": "blue", "Accept-Encoding": "br"}) as session:
        transport = AiohttpTransport(session, timeout=Timeout())
        await ask(transport, server)
        await transport.close()
        assert not session.closed
    assert server.header("X-Team") == "blue"
    assert server.header("Accept-Encoding") == "gzip, deflate"


async def test_the_key_of_the_client_is_the_one_that_is_sent(server: RawServer) -> None:
    """The key replaces an Authorization header of the session."""
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer of-the-session"}) as session:
        await ask(AiohttpTransport(session, timeout=Timeout()), server)
    assert server.header("Authorization") == f"APIKey {KEY}"


async def test_a_session_cannot_make_a_request_two(server: RawServer) -> None:
    """Neither its middlewares nor its raise_for_status are used."""

    async def twice(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        await handler(request)
        return await handler(request)

    server.then([answer(b"", status="500 Oops")])
    async with aiohttp.ClientSession(middlewares=[twice], raise_for_status=True) as session:
        response = await ask(AiohttpTransport(session, timeout=Timeout()), server)
    assert response.status == 500
    assert len(server.requests) == 1


async def is_misfit(session: aiohttp.ClientSession, server: RawServer) -> HourlyClicksError:
    """Send with an unusable session, and check that this is a fatal usage error."""
    error = await failure(AiohttpTransport(session, timeout=Timeout()), server.url)
    assert isinstance(error, UsageError)
    assert (error.retryable, error.fatal) == (False, True)
    assert server.requests == []
    return error


async def test_a_session_with_credentials(server: RawServer) -> None:
    """Credentials of the session collide with the key, and the error says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from aiohttp, about its own BasicAuth
        auth = aiohttp.BasicAuth("user", "secret")
        session = aiohttp.ClientSession(auth=auth)
    async with session:
        assert "credentials" in str(await is_misfit(session, server))


async def test_a_session_that_reads_netrc(
    server: RawServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry in ~/.netrc collides with the key when the session trusts the environment."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n", "ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with aiohttp.ClientSession(trust_env=True) as session:
        assert "netrc" in str(await is_misfit(session, server))


async def test_a_session_that_was_closed(server: RawServer) -> None:
    """A session that its owner has closed is named as the cause."""
    session = aiohttp.ClientSession()
    await session.close()
    assert "closed" in str(await is_misfit(session, server))


async def test_a_session_that_cannot_reach_the_url() -> None:
    """A session with an invalid proxy is a usage error."""
    async with aiohttp.ClientSession(proxy="http://:password@/") as session:
        error = await failure(AiohttpTransport(session, timeout=Timeout()), "https://clicks.example")
    assert isinstance(error, UsageError)
    assert "cannot reach" in str(error)
    assert "password" not in str(error)


async def test_a_proxy_that_does_not_run() -> None:
    """A proxy that does not answer is not taken for the API."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with aiohttp.ClientSession(proxy=proxy) as session:
            error = await failure(AiohttpTransport(session, timeout=Timeout()), "https://clicks.example")
    assert isinstance(error, TransportError)
    assert "proxy" in str(error)


def test_a_session_of_another_loop() -> None:
    """A session of another event loop is named as the cause."""

    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def use(session: aiohttp.ClientSession) -> None:
        async with RawServer() as server:
            assert "loop" in str(await is_misfit(session, server))
        await session.close()

    session = asyncio.run(make())
    asyncio.run(use(session))


def test_a_transport_of_another_loop() -> None:
    """After the end of its event loop, it says so before it sends anything, and can be closed."""
    transport = AiohttpTransport(timeout=Timeout())

    async def use() -> None:
        async with RawServer() as server:
            await ask(transport, server)

    async def use_again() -> None:
        async with RawServer() as server:
            error = await failure(transport, server.url)
            assert (type(error), error.fatal) == (UsageError, True)
            assert "belongs to another event loop" in str(error)
            assert server.requests == []
        await transport.close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the first loop has ended with a connection
        asyncio.run(use())
        asyncio.run(use_again())
        gc.collect()
