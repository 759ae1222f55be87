"""When a further account of a run may begin: while there will soon be a connection for its requests.

An account begins with a burst: it sends as many requests as its limits allow, one after the other. If two
thousand of them begin at the same moment, each request of a burst waits behind those of all other accounts.
The windows of an account open a window after its responses, so that what waited at first is late in every
window that follows; and accounts that began together end together, and those after them begin together
again.

So an account begins while few requests are in flight, or wait for a connection: `BACKLOG` for each of the
connections. An account that has begun, and reads its key, its lease and its days in the store, counts as a
request until its first request is sent, or waits for a window of its own limits. An account that only waits
counts no more: thousands of them can be active.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hourlyclicks.fleet.shared_transport import SharedTransport


class Admission:
    """Let accounts begin.

    Args:
        network: what they share on the way to the network.
        at_once: how many may be active.

    Attributes:
        active: how many are.
    """

    def __init__(self, network: SharedTransport, at_once: int) -> None:
        self.active = 0
        self._network = network
        self._at_once = at_once
        self._starting = 0
        self._room = asyncio.Event()
        network.on_freed = self._look

    async def admit(self) -> AdmittedAccount:
        """Wait until a further account may begin."""
        while not self._has_room():
            self._room.clear()
            await self._room.wait()
        self.active += 1
        self._starting += 1
        return AdmittedAccount(self)

    def started(self) -> None:
        """Note that the requests of an account are those of the network from now on."""
        self._starting -= 1
        self._look()

    def left(self) -> None:
        """Note that an account is not active any more."""
        self.active -= 1
        self._look()

    def _has_room(self) -> bool:
        return self.active < self._at_once and self._network.has_room(self._starting)

    def _look(self) -> None:
        if self._has_room():
            self._room.set()


class AdmittedAccount:
    """An account that was admitted and is active until it leaves.

    Args:
        admission: what has let it begin.
    """

    __slots__ = ("_admission", "_starts")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._starts = True

    def started(self) -> None:
        """Note that its first request is sent, or waits for a window of its own limits."""
        if self._starts:
            self._starts = False
            self._admission.started()

    def leave(self) -> None:
        """Give it back, once."""
        self.started()
        self._admission.left()
