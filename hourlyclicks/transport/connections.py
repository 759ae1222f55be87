"""The state of the connections to the server, and which of them are reused.

A connection is kept for the next request, with these exceptions:

* *A bad answer*: behind a load balancer a connection leads to one backend, so after a 5xx, 408, 421 or 425,
  or an unusable answer, it is closed, and the next attempt may reach another backend.
* *Stale connections*: some peers and routers drop a connection without closing it. If the connection of a
  request is gone before any answer, this is not a failure of the server. After two of them in a row no
  connection is reused any more. Requests that were under way together count as one.
* *A request that was given up*: its connection is reset, so that the kernel does not send it again.

aiohttp gives access to its connections where a response starts, hence the class of responses made here.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp

from hourlyclicks.transport.translate import NotSentAgain, StaleConnection, UnaskedAnswer

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

Peer: TypeAlias = Any
"""The protocol of a connection, of whatever class; attributes are set on it."""


class Connections:
    """The connections of one client.

    Args:
        timer: is informed when a request has been sent.

    Attributes:
        session: the session that opens them.
        reached: whether a connection was ever made.
        single_use: whether connections are not reused any more.
        in_a_row: how many were stale in a row, since a reused one brought an answer; those that were under
            way together count as one.
    """

    def __init__(self, timer: DeadlineTimer) -> None:
        self.timer = timer
        self.session: aiohttp.ClientSession | None = None
        self.reached = False
        self.single_use = False
        self.in_a_row = 0
        self._incidents = 0
        self._answers: dict[type[aiohttp.ClientResponse], type[aiohttp.ClientResponse]] = {}

    def sent(self, peer: Peer) -> None:
        """Record that a request is sent on a connection."""
        peer.sent_after = self._incidents

    def answered(self, connection: Connection, peer: Peer, status: int) -> None:
        """Record that the response to a request has begun.

        Args:
            connection: the connection of the answer.
            peer: its protocol; it is closed if another backend may be better.
            status: the HTTP status.
        """
        if status < _NO and not self.in_a_row and hasattr(peer, "used"):
            return
        self.reached = True
        used, peer.used = hasattr(peer, "used"), True
        if used and not self.single_use:
            self.in_a_row = 0
        if self.single_use or status >= _FAILED or status in _NOT_HERE:
            peer.force_close()  # after the body
            if connection.protocol is None:  # the body has ended already
                peer.close()

    def failed(
        self, error: BaseException, connection: Connection, peer: object
    ) -> aiohttp.ClientError | None:
        """Record that the wait for a response has ended without one.

        Returns:
            The exception that replaces one on which aiohttp would send the request again.
        """
        if isinstance(error, asyncio.CancelledError):
            self._reset(connection)
        return self._ended_on(error, peer) if isinstance(error, _REPEATED) else None

    def discard(self, peer: Peer) -> None:
        """Close a connection, unless another request uses it already."""
        connector = None if self.session is None else self.session.connector
        if peer not in getattr(connector, "_acquired", (peer,)):
            peer.close()

    def _ended_on(self, error: Exception, peer: Peer) -> aiohttp.ClientError:
        """Return the exception that replaces one on which aiohttp would send the request again."""
        self.reached = True
        if not hasattr(peer, "used") or not _is_silent(error):
            return NotSentAgain()
        # A request that was sent before the last stale connection was found belongs to the same incident.
        if peer.sent_after == self._incidents:
            self._incidents += 1
            self.in_a_row += 1
            self.single_use |= self.in_a_row >= _MOST_STALE
        return StaleConnection()

    def _reset(self, connection: Connection) -> None:
        """Reset a connection, so that the kernel does not send unacknowledged data again."""
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
        """Set the class of responses for a session of the user (a middleware)."""
        request.response_class = self.response_class_of(request.response_class)
        try:
            return await handler(request)
        except aiohttp.ClientConnectorError:
            raise  # nothing was sent, and aiohttp does not repeat these
        except _REPEATED:
            pass
        raise NotSentAgain

    def response_class_of(self, base: type[aiohttp.ClientResponse]) -> type[aiohttp.ClientResponse]:
        """Return a class of responses that records connections; one for each base class."""
        if base not in self._answers:
            self._answers[base] = _response_class(base, self)
        return self._answers[base]


def _response_class(
    base: type[aiohttp.ClientResponse], connections: Connections
) -> type[aiohttp.ClientResponse]:
    """Make a class of responses that records connections."""

    class Answer(base):  # type: ignore[valid-type, misc]  # aiohttp's own, or that of a user's session
        async def start(self, connection: Connection) -> aiohttp.ClientResponse:
            peer: Peer = connection.protocol
            connections.timer.record_activity()  # there is a connection, and the request has been sent
            if len(peer):
                raise UnaskedAnswer
            connections.sent(peer)
            try:
                await super().start(connection)
            except BaseException as error:
                replaced = connections.failed(error, connection, peer)
                if replaced is None:
                    raise
            else:
                connections.answered(connection, peer, self.status)
                return self
            raise replaced

        def discard(self) -> None:
            """Close the connection, unless another request uses it already."""
            connections.discard(self._protocol)

    return Answer


def _is_silent(error: Exception) -> bool:
    """Return whether a connection ended before the first byte, as far as aiohttp shows."""
    return not isinstance(error, aiohttp.ServerDisconnectedError) or not isinstance(
        error.message, aiohttp.http.RawResponseMessage
    )
