"""What is known of the connections to the server, and which of them are used again.

A connection is kept for the next request, unless something speaks against it:

* *A bad answer*: behind a balancer a connection leads to one backend, so after a 5xx, 408, 421 or 425, or an
  answer that cannot be used, it is closed, and the next attempt may get to another backend.
* *Stale connections*: some peers and routers forget a connection and do not say so. A request that finds its
  connection gone before anything was answered did not fail because of the server. After two of them in a
  row no connection is used twice any more. Requests that were under way together count as one.
* *A request that was given up* is cut off with its connection, so that the kernel does not send it again.

aiohttp tells of its connections where a response begins, hence the class of responses made here.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from hourlyclicks.transport.translate import NotSentAgain, StaleConnection

if TYPE_CHECKING:
    from aiohttp.connector import Connection

    from hourlyclicks.transport.deadlines import DeadlineTimer

_MOST_STALE = 2
_NO = int(HTTPStatus.BAD_REQUEST)
_FAILED = int(HTTPStatus.INTERNAL_SERVER_ERROR)
_NOT_HERE = {
    int(HTTPStatus.REQUEST_TIMEOUT),
    int(HTTPStatus.MISDIRECTED_REQUEST),
    int(HTTPStatus.TOO_EARLY),
}
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_REPEATED = (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)
"""The errors on which aiohttp would send a request a second time."""


class Connections:
    """The connections of one client.

    Args:
        watch: told when a request is on its way.

    Attributes:
        session: what makes them.
        reached: whether there was ever one.
        single_use: whether none is used twice.
        in_a_row: how many were stale since one that had been used before brought an answer; those that were
            under way together count as one.
    """

    def __init__(self, watch: DeadlineTimer) -> None:
        self.watch = watch
        self.session: aiohttp.ClientSession | None = None
        self.reached = False
        self.single_use = False
        self.in_a_row = 0
        self._stale_at = -math.inf
        self._answers: dict[type[aiohttp.ClientResponse], type[aiohttp.ClientResponse]] = {}

    def answered(self, connection: Connection, peer: Any, status: int) -> None:  # noqa: ANN401 - it is marked
        """Take note of an answer that is the first of its connection, says no, or comes after stale ones.

        Args:
            connection: what it came by.
            peer: the other end; it is left if another one may be better.
            status: the HTTP status.
        """
        self.reached = True
        used, peer.used = hasattr(peer, "used"), True
        if used and not self.single_use:
            self.in_a_row = 0
        if self.single_use or status >= _FAILED or status in _NOT_HERE:
            peer.force_close()  # when the body is over
            if connection.protocol is None:  # it was over at once
                peer.close()

    def ended_on(self, error: Exception, peer: object) -> aiohttp.ClientError:
        """Return what to raise in place of what would make aiohttp send a request again."""
        self.reached = True
        if not hasattr(peer, "used") or not _is_silent(error):
            return NotSentAgain()
        if self.watch.heard() > self._stale_at:
            self._stale_at = self.watch.now()
            self.in_a_row += 1
            self.single_use |= self.in_a_row >= _MOST_STALE
        return StaleConnection()

    def in_use(self, peer: object) -> bool:
        """Return whether a request is on a connection now, as far as aiohttp tells."""
        connector = None if self.session is None else self.session.connector
        return peer in getattr(connector, "_acquired", (peer,))

    def cut_off(self, connection: Connection) -> None:
        """Cut a connection off, so that the kernel does not send again what was not received."""
        self.reached = True
        transport = connection.transport
        if transport is None:
            return
        with suppress(OSError, AttributeError):  # not every transport has a socket of its own
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        transport.abort()

    async def sent_once(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Lend a session of the user our class of responses; a middleware."""
        request.response_class = self.answer_of(request.response_class)
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            raise  # nothing was sent, and aiohttp does not repeat these
        except _REPEATED:
            pass
        raise NotSentAgain

    def answer_of(self, base: type[aiohttp.ClientResponse]) -> type[aiohttp.ClientResponse]:
        """Return a class of responses that keeps this book; one for each class that it is made of."""
        if base not in self._answers:
            self._answers[base] = _answers(base, self)
        return self._answers[base]


def _answers(base: type[aiohttp.ClientResponse], connections: Connections) -> type[aiohttp.ClientResponse]:
    """Make a class of responses."""
    beat = connections.watch.beat

    class Answer(base):  # type: ignore[valid-type, misc]  # aiohttp's own, or one that a session brings
        async def start(self, connection: Connection) -> aiohttp.ClientResponse:
            peer = connection.protocol
            beat()  # there is a connection, and the request is on its way
            try:
                await super().start(connection)
            except asyncio.CancelledError:
                connections.cut_off(connection)
                raise
            except _REPEATED as error:
                ended = connections.ended_on(error, peer)
            else:
                if self.status >= _NO or connections.in_a_row or not hasattr(peer, "used"):
                    connections.answered(connection, peer, self.status)
                return self
            raise ended

        def discard(self) -> None:
            """Close the connection, unless another request is on it already."""
            if not connections.in_use(self._protocol):
                self._protocol.close()

    return Answer


def _is_silent(error: Exception) -> bool:
    """Return whether a connection ended before a byte came, as far as aiohttp tells."""
    return not isinstance(error, aiohttp.ServerDisconnectedError) or not isinstance(
        error.message, aiohttp.http.RawResponseMessage
    )
