"""The floor: HTTP/1.1 written by hand on asyncio's transports, as little of it as this server needs.

Each connection is a protocol that sends the next request from within the callback that got the last bytes of
an answer. There are no tasks, one future a connection, no URLs, and of the headers only the length is read.
It merges into arrays as the tuned loop does. It is no client for anything else: it knows no redirects, no
chunks, no timeouts, and no server that hangs up.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from benchmarks.peers.slices import DOMAIN, HEADERS, LINK, PATH, Arrays

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.peers.slices import Row

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Connection(asyncio.Protocol):
    """A connection that asks for one day after the other.

    Args:
        places: the days that are left, with their places; all connections pull from it.
        ends: what a request is made of: before and after the date.
        loads: decodes a body.
        merged: where answers go.

    Attributes:
        done: ends when no day is left, or with the error that ended the connection.
    """

    def __init__(
        self,
        places: Iterator[tuple[int, dt.date]],
        ends: tuple[bytes, bytes],
        loads: Callable[[bytes], Any],
        merged: Arrays,
    ) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._places = places
        self._ends = ends
        self._loads = loads
        self._merged = merged
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first day."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Take the answer when it is whole, and ask for the next day."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = _LENGTH.search(head)
        if length is None or not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(head)
        if len(body) < int(length[1]):
            return
        self._received = b""
        self._merged.add(self._place, self._ymd, self._loads(body))
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """End with the error; an exception in a callback comes here, too."""
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the server hung up"))

    def _ask(self) -> None:
        place, day = next(self._places, (0, None))
        if day is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._place, self._ymd = place, day.isoformat()
        before, after = self._ends
        self._transport.write(before + self._ymd.encode("ascii") + after)


async def fetch_all(
    base: str, days: list[dt.date], concurrency: int, loads: Callable[[bytes], Any]
) -> Arrays:
    """Fetch all days."""
    address = urlsplit(base)
    query = urlencode({"linkId": LINK, "domain": DOMAIN})
    headers = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    rest = f"&{query} HTTP/1.1\r\nHost: {address.netloc}\r\n{headers}\r\n"
    ends = f"GET {PATH}?ymd=".encode("ascii"), rest.encode("ascii")
    merged, places = Arrays(days), enumerate(days)
    context = ssl.create_default_context() if address.scheme == "https" else None
    where: dict[str, Any] = {"host": address.hostname, "port": address.port, "ssl": context}
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(places, ends, loads, merged), **where)
        for _ in range(concurrency)
    ]
    await asyncio.gather(*[connection.done for _, connection in opened])
    return merged


def fetch(
    base: str, days: list[dt.date], concurrency: int, *, loads: Callable[[bytes], Any] = json.loads
) -> Iterable[Row]:
    """Do the work with a decoder of JSON."""
    return asyncio.run(fetch_all(base, days, concurrency, loads)).rows()
