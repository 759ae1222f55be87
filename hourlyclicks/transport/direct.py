"""The fast path: a GET on a connection of aiohttp's pool, without what a session does for every request.

For each request a `ClientSession` merges headers, makes a `ClientRequest`, a `StreamWriter` and a
`ClientResponse`, and enters several contexts. For the requests of one client all of this is the same except
for the path. So it is done once, and from then on a request is one write. Connections, TLS, name resolution
and the parser remain those of aiohttp.

How to do it is not taken for granted but *rehearsed*, once per session and without a network: aiohttp writes
a request to a transport that records it, and all that follows the path becomes the head of further requests;
then a protocol of its connector parses an answer. If anything is not as expected, in whatever release of
aiohttp, there is no fast path, and requests go through the session. They also do while a method of aiohttp
is replaced that would be passed over here, as aioresponses, VCR.py and instrumentations do it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import aiohttp

from hourlyclicks.transport.idle import IdleConnections
from hourlyclicks.transport.receiver import receivers
from hourlyclicks.transport.rehearsal import is_original, is_plain, rehearse
from hourlyclicks.transport.translate import UnaskedAnswer
from hourlyclicks.wire.key import SecretBytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.client_reqrep import ConnectionKey
    from yarl import URL

    from hourlyclicks.transport.connections import Connections, Peer
    from hourlyclicks.transport.deadlines import Deadline

_INFORMATIONAL = range(100, 200)
_SWITCHING = 101


class _Model(aiohttp.ClientRequest):
    """The request whose connections all others use too; the pool's name of these is computed once."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        return super().connection_key


class DirectResponse:
    """A response of which the body may still arrive; at its end other requests may use the connection."""

    __slots__ = ("_peer", "_sender", "content", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: Mapping[str, str],
        content: aiohttp.StreamReader,
        peer: Peer,
        sender: DirectSender,
    ) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self._peer = peer
        self._sender = sender

    def release(self) -> None:
        """Close the connection, unless the whole body has arrived."""
        if not self.content.is_eof():
            self._peer.lease.close()

    def discard(self) -> None:
        """Close the connection, unless another request uses it already."""
        self._sender.discard(self._peer)


class DirectSender:
    """Send requests that differ from a model in their path only.

    Args:
        model: a request to the same origin, with the same headers.
        head: what follows the path.
        connector: has the connections.
        connections: records how they end.
        timeout: the time limit for a new one.
    """

    def __init__(
        self,
        model: aiohttp.ClientRequest,
        head: bytes,
        *,
        connector: aiohttp.BaseConnector,
        connections: Connections,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._model = model
        self._head = SecretBytes(head)
        self._connector = connector
        self._connections = connections
        self._timeout = timeout
        self._idle = IdleConnections()
        self._origin = (model.url.scheme, model.url.raw_authority)

    def serves(self, origin: tuple[str, str]) -> bool:
        """Return whether requests to an origin may take the fast path at present."""
        return origin == self._origin and is_original()

    async def get(self, target: str, deadline: Deadline) -> DirectResponse:
        """Send a GET, and return its response as soon as it begins.

        Args:
            target: path and query, at the origin of the model.
            deadline: told when there is a connection.
        """
        peer = self._idle.take()
        if peer is None:
            peer = await self._connected()
            if deadline.left <= 0:  # the process was stopped meanwhile: its slot may belong to another one
                peer.lease.close()
                raise aiohttp.ConnectionTimeoutError
            deadline.record_activity()
        else:
            deadline.heard = deadline.began  # it has just begun
        self._connections.sent(peer)
        try:
            transport = peer.transport
            if transport is None or transport.is_closing():
                raise aiohttp.ClientConnectionResetError  # noqa: TRY301 - as aiohttp's writer does
            transport.write(b"GET " + target.encode("ascii") + self._head)
            head, content = await peer.read()
            while head.code in _INFORMATIONAL and head.code != _SWITCHING:
                head, content = await peer.read()
        except BaseException as error:
            replaced = self._connections.failed(error, peer.lease, peer)
            peer.lease.close()
            if replaced is None:
                raise
        else:
            self._connections.answered(peer.lease, peer, head.code)
            if content.is_eof():
                self._idle.add(peer)
            else:
                content.on_eof(peer.lease.release)
            return DirectResponse(head.code, head.headers, content, peer, self)
        raise replaced

    def discard(self, peer: Peer) -> None:
        """Close a connection, unless a request uses it."""
        if not self._idle.drop(peer):
            self._connections.discard(peer)

    def release_connections(self) -> None:
        """Give the connections that no request uses to the pool."""
        self._idle.release()

    async def _connected(self) -> Peer:
        """Return a connection of the pool on which nothing has arrived that was not asked for.

        A used connection on which something has arrived is replaced. A server that speaks first on a new one
        would do so again.
        """
        while True:
            try:
                connection = await self._connector.connect(self._model, [], self._timeout)
            except TimeoutError:
                raise aiohttp.ConnectionTimeoutError from None
            peer: Peer = connection.protocol
            try:
                peer.set_response_params(read_until_eof=True)  # this parses what has arrived
                if not len(peer):
                    peer.lease = connection
                    return peer
                if not hasattr(peer, "used"):
                    raise UnaskedAnswer  # noqa: TRY301 - the connection is closed below
            except BaseException:
                connection.close()
                raise
            connection.close()


def fast_path(
    session: aiohttp.ClientSession, url: URL, *, connections: Connections, timeout: aiohttp.ClientTimeout
) -> DirectSender | None:
    """Return the fast path of a session, if there is one.

    Args:
        session: one without a proxy that nothing else uses.
        url: the address of its first request.
        connections: records how its connections end.
        timeout: the time limit for a new connection.
    """
    connector = session.connector
    if connector is None or not is_original() or not is_plain(session, connections):
        return None
    try:
        made = connector._factory  # noqa: SLF001 - nothing public sets the protocol of connections
        factory = receivers(made, buffered=url.scheme == "http")
        model = _Model("GET", url, headers=session.headers, session=session)
        head = rehearse(model, connector, factory())
        connector._factory = factory  # noqa: SLF001 - as above
    except Exception:  # noqa: BLE001 - of another aiohttp anything may come, and the session still works
        return None
    return DirectSender(model, head, connector=connector, connections=connections, timeout=timeout)
