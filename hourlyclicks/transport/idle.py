"""Connections between one answer and the next request, which mostly follows at once.

To give a connection to aiohttp's pool, to take it out again and to give it a new parser costs a tenth of a
day. So a connection first waits here. After a second at most the pool gets it, which closes connections that
are idle for long.

Only a connection whose answer arrived whole is kept: after a pause in a long one, its parser is not as it was
at first.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourlyclicks.transport.connections import Peer

_LONGEST = 1.0


class IdleConnections:
    """The connections that wait for the next request."""

    def __init__(self) -> None:
        self._peers: list[Peer] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, peer: Peer) -> None:
        """Keep a connection whose answer is complete, or close it if it must not be used again."""
        if peer.should_close:
            peer.lease.release()
            return
        self._peers.append(peer)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LONGEST, self.release)

    def take(self) -> Peer | None:
        """Return a connection on which nothing has arrived that was not asked for; close all others."""
        while self._peers:
            peer = self._peers.pop()
            if peer.is_connected() and not len(peer) and not is_amid_message(peer):
                return peer
            peer.lease.close()
        return None

    def drop(self, peer: Peer) -> bool:
        """Close a connection; return whether it was idle."""
        if peer not in self._peers:
            return False
        self._peers.remove(peer)
        peer.lease.close()
        return True

    def release(self) -> None:
        """Give all connections to the pool."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._peers:
            self._peers.pop().lease.release()


def is_amid_message(peer: Peer) -> bool:
    """Return whether a part of a message has arrived after the last whole one; if so, the parser is spoiled.

    The part would otherwise be joined to the next answer. At the end of the data, aiohttp's parser in C tells
    of every part of a message, and that in Python keeps the lines of those that it cannot read.
    """
    parser = peer._parser  # noqa: SLF001 - nothing public tells
    return parser.feed_eof() is not None or bool(getattr(parser, "_lines", ()))
