"""The one way to the network that all accounts of a run share.

Each account has a limiter of its own. This is the limit of all of them together: so many connections, and,
out of courtesy, so many requests in any stretch of time. Requests pass in the order in which they come. One
that waits here holds the slot of its account, which the account counts from the response on; so waiting never
makes an account exceed its own limit. If its lease ends meanwhile, as with a machine that was suspended, the
request is not sent: another process may have the account by then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import TransportError
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.pacing.window import SlidingWindow, Slot

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.clock import Clock, Timer
    from hourlyclicks.coordination.account_lease import AccountLease
    from hourlyclicks.model.http import Request, Response
    from hourlyclicks.pacing.plans import Rate
    from hourlyclicks.transport.protocol import Transport

CONNECTIONS = 64
"""How many requests of all accounts may be in flight at once."""

BACKLOG = 4
"""How many requests there may be for each connection before no further account begins.

A request then waits for three responses at most, which is little beside a window. With fewer requests, fewer
accounts would do the same thing at the same moment, and fewer of their changes share a transaction."""

_ENDED = "not sent: the run has ended"


class SharedTransport:
    """Send the requests of all accounts.

    Args:
        transport: sends them.
        rate: how many in any stretch of time, if that is limited.
        clock: what time it is.

    Attributes:
        on_freed: called when fewer requests are in flight, or wait, than before.
    """

    def __init__(self, transport: Transport, *, rate: Rate | None, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        rates = () if rate is None else (rate,)
        # Without a guard: the rate is the user's own, and is counted from the responses.
        self._window = SlidingWindow(Limits(rates=rates, concurrency=CONNECTIONS, guard=0.0))
        self._waiting: deque[asyncio.Future[Slot]] = deque()
        self._timer: Timer | None = None
        self._closed = False
        self.on_freed: Callable[[], object] = _nothing

    def has_room(self, others: int) -> bool:
        """Return whether another request may come after those in flight, those that wait, and the others."""
        return self._window.in_flight + len(self._waiting) + others < BACKLOG * CONNECTIONS

    def within(self, lease: AccountLease) -> Transport:
        """Return the way to the network for the client that works within a lease."""
        return _WithinLease(self, lease)

    async def send(self, request: Request, *, lease: AccountLease | None = None) -> Response:
        """See `Transport.send`.

        Args:
            request: the request.
            lease: the lease without which it must not be sent.

        Raises:
            TransportError: the run was to end, or the lease may have ended, before it was its turn.
        """
        request.held_back = True
        waits = self._closed or self._waiting
        slot = None if waits else self._window.reserve(self._clock.monotonic())
        if not isinstance(slot, Slot):
            slot = await self._turn()
        reason = self._reason_against(lease)
        if reason:
            self._cancel(slot)
            raise TransportError(reason, kind="disconnected")
        request.held_back = False
        try:
            onward = self._transport
            if lease is not None and isinstance(onward, SharedTransport):  # that of all jobs of a queue
                onward = onward.within(lease)
            return await onward.send(request)
        finally:
            now = self._clock.monotonic()
            if request.may_arrive:
                self._window.abandon(slot, now, now + round(request.may_arrive * SECOND))
            else:
                self._window.release(slot, now)
            self._freed()

    def end(self) -> None:
        """Send nothing more; what is in flight is answered."""
        self._closed = True
        while self._waiting:
            self._refuse(self._waiting.popleft())

    async def close(self) -> None:
        """See `Transport.close`; the transport belongs to the run."""

    def _reason_against(self, lease: AccountLease | None) -> str:
        """Say why a request that has its slot must not be sent; both may have changed while it waited."""
        if self._closed:
            return _ENDED
        if lease is not None and not lease.trusted(self._clock.monotonic()):
            return "not sent: the lease of the account may have ended"
        return ""

    async def _turn(self) -> Slot:
        """Wait for a slot."""
        turn: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        if self._closed:
            self._refuse(turn)
        else:
            self._waiting.append(turn)
            self._serve()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # it may have been passed over already
                    self._waiting.remove(turn)
                self._freed()
            elif turn.exception() is None:
                self._cancel(turn.result())
            raise

    def _cancel(self, slot: Slot) -> None:
        self._window.cancel(slot)
        self._freed()

    def _freed(self) -> None:
        self._serve()
        self.on_freed()

    def _serve(self) -> None:
        """Let those go that may go now, and come back when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            if self._waiting[0].done():  # its task was cancelled in this turn of the event loop
                self._waiting.popleft()
                continue
            now = self._clock.monotonic()
            found = self._window.reserve(now)
            if isinstance(found, Slot):
                self._waiting.popleft().set_result(found)
                continue
            if found.until is not None:
                self._timer = self._clock.call_later(max(0, found.until - now), self._serve)
            return

    @staticmethod
    def _refuse(turn: asyncio.Future[Slot]) -> None:
        if not turn.done():
            turn.set_exception(TransportError(_ENDED, kind="disconnected"))


def _nothing() -> None:
    """Do nothing."""


class _WithinLease:
    """Send the requests of the client of one account.

    Args:
        shared: sends those of all accounts.
        lease: the lease of this one.
    """

    __slots__ = ("_lease", "_shared")

    def __init__(self, shared: SharedTransport, lease: AccountLease) -> None:
        self._shared, self._lease = shared, lease

    async def send(self, request: Request) -> Response:
        """See `SharedTransport.send`."""
        self._lease.start_ended()
        return await self._shared.send(request, lease=self._lease)

    async def close(self) -> None:
        """See `Transport.close`; the transport belongs to the run."""
