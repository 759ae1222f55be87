"""TLS that fails: what is fatal, what is retried, and what the error says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from hourlyclicks import Client, Limits, RetryPolicy
from hourlyclicks.errors import TransportError
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.fetching.asking import KEY, LINK, failure
from tests.transport.raw_server import OK, RawServer
from tests.transport.tls import serving, trusting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALERT = bytes.fromhex("15 0301 0002 02 50")
"""A fatal TLS alert: internal error."""


class Here(AbstractResolver):
    """A resolver that returns this machine for every host."""

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> Any:  # noqa: ANN401 - as the base has it
        """Return the loopback address."""
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}
        ]

    async def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [
        ("127.0.0.1", False, "self-signed certificate"),
        ("clicks.example", True, "Hostname mismatch, certificate is not valid for 'clicks.example'."),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_named(host: str, reason: str, *, trusted: bool) -> None:
    """A bad certificate ends the run, and the error has the reason that OpenSSL gives."""
    connector = aiohttp.TCPConnector(resolver=Here(), ssl=trusting() if trusted else True)
    async with RawServer(tls=serving()) as server, aiohttp.ClientSession(connector=connector) as session:
        transport = AiohttpTransport(session, timeout=Timeout())
        error = await failure(transport, f"https://{host}:{server.port}")
    assert isinstance(error, TransportError)
    assert (error.kind, error.fatal) == ("tls", True)
    assert str(error) == f"the certificate of {host} is not valid: {reason}"


BROKEN: dict[str, bytes] = {
    "an alert": ALERT,
    "clear text": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "nothing": b"",
}


class Handshakes:
    """A server whose handshakes succeed or fail, as told for each connection.

    Attributes:
        url: where it is.
        connections: how many were made.
    """

    def __init__(self, *broken: bytes | None) -> None:
        self.url = ""
        self.connections = 0
        self._broken = list(broken)

    async def serve(self) -> AsyncIterator[None]:
        """Serve until the test is over."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        broken = self._broken.pop(0) if self._broken else None
        try:
            if broken is None:
                await writer.start_tls(serving())
                await reader.readuntil(b"\r\n\r\n")
                writer.write(OK)
                await writer.drain()
            else:
                await reader.read(1)
                writer.write(broken)
                await writer.drain()
            writer.close()
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()


async def missing_days(server: Handshakes) -> tuple[int, TransportError | None]:
    """Fetch five days one after the other; return how many are missing, and why."""
    limits, retry = Limits(concurrency=1), RetryPolicy(base=0)
    async for _ in server.serve():
        connector = aiohttp.TCPConnector(ssl=trusting())
        async with aiohttp.ClientSession(connector=connector) as session:
            client = Client(KEY, base_url=server.url, session=session, limits=limits, retry=retry)
            async with client:
                try:
                    series = await client.fetch("2025-04-01", "2025-04-05", LINK)
                except TransportError as error:
                    return 0 if error.series is None else len(error.series.missing_days), error
                return len(series.missing_days), None
    raise AssertionError


@pytest.mark.parametrize("what", BROKEN)
async def test_one_bad_handshake_after_a_good_one_is_repeated(what: str) -> None:
    """After any TLS connection, a failed handshake is retried."""
    server = Handshakes(None, BROKEN[what])
    assert await missing_days(server) == (0, None)
    assert server.connections == 6


async def test_a_bad_handshake_before_any_good_one_is_fatal() -> None:
    """A server without any successful handshake is not retried, and the error has the reason."""
    server = Handshakes(ALERT)
    missing, error = await missing_days(server)
    assert (missing, server.connections) == (5, 1)
    assert error is not None
    assert (error.kind, error.fatal) == ("tls", True)
    assert str(error) == "no TLS connection to 127.0.0.1 could be made: TLSV1_ALERT_INTERNAL_ERROR"
