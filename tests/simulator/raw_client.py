"""A client without a parser: bytes out, bytes in, and how the connection ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hourlyclicks.simulator import Simulator

PATH = "/api/statistics/v2/clicks-by-hour"
LINK = "linkId=kYdr&domain=https%3A%2F%2Fvvd.bz"


@attrs.frozen
class Exchange:
    """What came back, and how the connection ended: ``eof``, ``reset`` or ``open``."""

    data: bytes
    end: str

    @property
    def status(self) -> int:
        """The HTTP status, if it was HTTP."""
        return int(self.data.split(b" ", 2)[1])

    @property
    def head(self) -> str:
        """The status line and the headers."""
        return self.data.partition(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        """What follows the headers."""
        return self.data.partition(b"\r\n\r\n")[2]


async def ask(
    upstream: Simulator,
    query: str = f"ymd=2025-04-03&{LINK}",
    *,
    path: str = PATH,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    patience: float = 30.0,
) -> Exchange:
    """Send one request, as bytes, and read until the connection ends or the time is up."""
    host, _, port = upstream.url.removeprefix("http://").partition(":")
    fields = {"Authorization": f"APIKey {upstream.key}", "User-Agent": "acme/1.0", **(headers or {})}
    lines = [f"{method} {path}?{query} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in fields.items() if value]
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        return await _read(reader, patience)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader, patience: float) -> Exchange:
    data = b""
    try:
        async with asyncio.timeout(patience):
            while piece := await reader.read(65536):
                data += piece
    except ConnectionResetError:
        return Exchange(data, "reset")
    except TimeoutError:
        return Exchange(data, "open")
    return Exchange(data, "eof")
