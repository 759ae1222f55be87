"""The simulator without a socket: a `Transport` on any clock, with the delays of a network.

Faults of a socket are passed to the client directly: a reset is a `TransportError`, a truncated body of
unknown length is a shorter `Response`. There is no HTTP parser here, so `Raw` bytes are never HTTP.
"""

from __future__ import annotations

import asyncio
import functools
import zlib
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import DecodeError, TransportError, UsageError
from hourlyclicks.model.http import Response
from hourlyclicks.simulator.app import Arrival

if TYPE_CHECKING:
    from hourlyclicks.errors import TransportKind
    from hourlyclicks.model.http import Request
    from hourlyclicks.simulator.app import App, Exchange
    from hourlyclicks.simulator.delivery import Delivery
    from hourlyclicks.simulator.server_time import ServerTime

_WBITS = {"gzip": 31, "deflate": 15}


class InProcessTransport:
    """Send requests to a simulator in the same process; made by `Simulator.transport`.

    Args:
        app: handles the requests.
        time: the time of the simulator, whose clock stays the one that it has now.
        timeout: the seconds one request may take.
        largest: the largest body that is accepted, after decompression.
    """

    def __init__(
        self,
        app: App,
        time: ServerTime,
        *,
        timeout: float = 30.0,
        largest: int = 1 << 20,
    ) -> None:
        self._app = app
        self._time = time
        self._clock = time.clock
        self._timeout = timeout
        self._largest = largest
        self._closed = False

    async def send(self, request: Request) -> Response:
        """Answer a request, after the delays in both directions.

        Raises:
            TransportError: a fault left no complete response.
            DecodeError: the body is too large.
            UsageError: the transport has been closed.
        """
        if self._closed:
            request.unsent = True
            raise UsageError("the transport is closed")
        exchange = await self._arrived(request)
        try:
            await self._travel(self._time.delays.next())
            return await self._carry(exchange.delivery)
        finally:
            self._app.leave(exchange)

    async def close(self) -> None:
        """Reject further requests."""
        self._closed = True

    async def _arrived(self, request: Request) -> Exchange:
        """Return what becomes of a request at its arrival, which a client that gives up does not prevent."""
        lag = self._time.delays.next()
        due = self._clock.monotonic() + round(lag * SECOND)
        try:
            return await self._app.admit(self._clock, lag, functools.partial(self._arrival, request))
        except asyncio.CancelledError:
            request.may_arrive = max(0, due - self._clock.monotonic()) / SECOND
            raise

    def _arrival(self, request: Request) -> Arrival:
        url = request.url
        return Arrival(
            method="GET",
            path=url.raw_path,
            query=url.raw_query_string,
            headers=CIMultiDict(request.headers),
            at=self._clock.monotonic(),
            now=self._time.now(),
        )

    async def _travel(self, seconds: float) -> None:
        if seconds > 0:
            await self._clock.sleep(seconds)

    async def _carry(self, delivery: Delivery) -> Response:
        """Wait as long as the delivery takes, and return what the client receives."""
        if not delivery.plain or delivery.delay:
            await self._wait(delivery)
        if delivery.raw:
            raise _failure("what the simulator answered is not HTTP", "protocol")
        if delivery.raw is not None or not delivery.complete:
            raise _failure("the simulator broke the connection off", "disconnected")
        headers: CIMultiDict[str] = CIMultiDict(delivery.answer.headers)
        return Response(delivery.answer.status, headers, self._unpacked(delivery.body, headers))

    async def _wait(self, delivery: Delivery) -> None:
        dripping = len(delivery.wire()) * delivery.drip if delivery.drip else 0.0
        seconds = delivery.delay + dripping
        if delivery.end == "hang" or seconds > self._timeout:
            await self._travel(self._timeout)
            raise _failure("the simulator took too long to answer", "timeout")
        await self._travel(seconds)

    def _unpacked(self, body: bytes, headers: CIMultiDict[str]) -> bytes:
        wbits = _WBITS.get(headers.get("Content-Encoding", ""))
        if wbits is not None:
            try:
                body = zlib.decompressobj(wbits=wbits).decompress(body, self._largest + 1)
            except zlib.error:
                raise _failure("the answer of the simulator cannot be unpacked", "disconnected") from None
        if len(body) > self._largest:
            raise DecodeError((f"the body is larger than {self._largest} bytes",), retryable=False)
        return body


def _failure(text: str, kind: TransportKind) -> TransportError:
    return TransportError(text, kind=kind)
