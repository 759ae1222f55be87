"""A server that answers byte by byte as a test specifies, and counts what reaches it.

A script is a list of steps for one request: bytes to send, or one of the signs below. Requests take the
scripts in turn; when none is left, each is answered with `OK`. The connection is kept open after a script
unless the script ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import struct
from typing import TYPE_CHECKING, Self, TypeAlias

import aiohttp.http_parser
import pytest

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from types import TracebackType


needs_c_parser = pytest.mark.skipif(
    aiohttp.http_parser.HttpResponseParser is aiohttp.http_parser.HttpResponseParserPy,
    reason="aiohttp runs without its extensions, and its parser in Python is lenient here",
)


class Sign(enum.Enum):
    """A step that sends nothing."""

    CLOSE = enum.auto()
    """Close the connection in an orderly way."""
    RESET = enum.auto()
    """Reset the connection with a real RST."""
    HANG = enum.auto()
    """Do nothing until the client leaves."""
    DRIP = enum.auto()
    """Send a byte every now and then until the client leaves."""
    PAUSE = enum.auto()
    """Wait a little, so that what was sent is not read together with what follows."""


Step: TypeAlias = bytes | Sign
Script: TypeAlias = list[Step]

_PAUSE = 0.005
_PATIENCE = 20.0
"""Seconds after which a wait of a test fails."""


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Return a whole response; `length` is a wrong Content-Length, if given."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", *headers]
    return head(*lines) + body


def head(*lines: str) -> bytes:
    """Return the beginning of a response up to its body."""
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


EMPTY_DAY = b'{"code": 0, "message": "", "result": []}'
OK = answer(EMPTY_DAY)


class RawServer:
    """A server on a free port of the loopback device; use it as an async context manager.

    Attributes:
        requests: the head of every request that arrived, in order.
        connections: how many connections were accepted.
        open: how many of them are still open on this side.
        greetings: scripts for the moment a connection is accepted, before any request is read.
    """

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.open = 0
        self.greetings: list[Script] = []
        self._scripts = list(scripts)
        self._tls = tls
        self._host = host
        self._server: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()

    def then(self, *scripts: Script) -> None:
        """Add scripts for the requests to come."""
        self._scripts.extend(scripts)

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """What to use as a base URL."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    @property
    def targets(self) -> list[str]:
        """The request targets of the requests, as they stood on the wire."""
        return [request.split(b" ")[1].decode() for request in self.requests]

    def header(self, name: str, request: int = -1) -> str | None:
        """Return a header of a request, ``None`` when it had none of that name."""
        for line in self.requests[request].decode("latin-1").split("\r\n")[1:]:
            field, _, value = line.partition(": ")
            if field.lower() == name.lower():
                return value
        return None

    async def arrivals(self, count: int) -> None:
        """Wait until that many requests have arrived."""
        await self._until(lambda: len(self.requests) >= count)

    async def deserted(self) -> None:
        """Wait until no connection is open any more, which shows that the client has closed its side."""
        await self._until(lambda: self.open == 0)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, 0, ssl=self._tls)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self.deserted()

    async def _until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self._writers.add(writer)
        self._changed.set()
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._talk(reader, writer)
        finally:  # a connection that is not counted as closed would be waited for
            writer.transport.abort()
            self._writers.discard(writer)
            self.open -= 1
            self._changed.set()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.greetings:
            await _play(self.greetings.pop(0), reader, writer)
        while not writer.is_closing():
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            self._changed.set()
            await _play(self._scripts.pop(0) if self._scripts else [OK], reader, writer)


async def _play(script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for step in script:
        if writer.is_closing():  # where uvloop, unlike asyncio, raises a RuntimeError when it is written to
            return
        match step:
            case bytes():
                writer.write(step)
                await writer.drain()
            case Sign.CLOSE:
                writer.close()
                await writer.wait_closed()
            case Sign.RESET:
                _reset(writer)
            case Sign.PAUSE:
                await asyncio.sleep(_PAUSE * 4)
            case Sign.HANG:
                await _gone(reader)
            case Sign.DRIP:
                await _drip(reader, writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once, so that the kernel sends RST in place of FIN."""
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _gone(reader: asyncio.StreamReader) -> None:
    while await reader.read(1024):
        pass


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    leaving = asyncio.ensure_future(_gone(reader))
    while not (leaving.done() or writer.is_closing()):  # see `_play`; a reader learns of an error later
        writer.write(b" ")
        await asyncio.wait([leaving], timeout=_PAUSE)
    leaving.cancel()
    with contextlib.suppress(OSError, asyncio.CancelledError):
        await leaving
