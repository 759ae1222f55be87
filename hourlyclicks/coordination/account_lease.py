"""A lease as its client sees it: what may be sent within it, and whether it is lost.

*Trust.* A holder trusts a lease only as long as it can be sure of it: from before it was taken or renewed, by
the monotonic clock and by the wall clock, of which at least one goes on while the machine is suspended. After
that nothing is sent until the lease is renewed, or found to be lost.

*Back-pressure.* No slot is granted to an account while its requests in flight and its answers that wait to be
kept are two more than its concurrency, nor while too many answers of the whole process wait. So a process
that is killed loses at most so many requests.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.leased_runs import LeasedRuns
from hourlyclicks.errors import UsageError
from hourlyclicks.store.leases import Fence

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.errors import LeaseLostError
    from hourlyclicks.store.leases import Holder, TakenLease
    from hourlyclicks.store.protocol import Store

_SPARE = 2
"""By how many the requests in flight and the answers that wait to be kept may exceed the concurrency."""
_TRUSTED = 0.9
"""The part of a lease's life for which its holder trusts it."""


class LeaseUser(Protocol):
    """What works within a lease, and learns of its renewal and its loss."""

    def serve(self) -> None:
        """Go on: the lease was renewed, or an answer was kept."""
        ...

    def share(self) -> None:
        """Share the limits: another process has asked for it."""
        ...

    def lose(self, error: LeaseLostError) -> None:
        """End: the lease was lost."""
        ...


class LeaseManager(Protocol):
    """What keeps the leases of a process: renews them, and bounds what waits in all of them together.

    Attributes:
        unsaved: how many writes of all leases wait to be kept.
    """

    unsaved: int

    @property
    def holder(self) -> Holder:
        """This process, as the store knows it."""
        ...

    @property
    def clock(self) -> Clock:
        """What time it is."""
        ...

    def has_room(self, lease: AccountLease) -> bool:
        """Return whether another answer may wait to be kept; if not, the lease is served when it may."""
        ...

    def serve_blocked(self) -> None:
        """Let leases go on for which there was no room."""
        ...

    def hurry(self) -> None:
        """Renew the leases now: one of them is not certain any more."""
        ...

    def forget(self, lease: AccountLease) -> None:
        """Renew a lease no more, which was lost."""
        ...


class AccountLease(Fence):
    """A lease that this process holds.

    Attributes:
        store: the store within this lease, for one `Client` at a time.
        alone: whether no other account may use its key meanwhile.
        holder: the name of the holder.
        ended_before: when the lease before it ended, on the clock of the limiter of the store.
        asked: whether another process asks for a share of the limits.
        error: why it was lost, if it was.
        runs: what its client runs.
        on_start: called once, when its client sends its first request, or waits for its limits.
    """

    store: Store

    def __init__(
        self,
        account: int,
        taken: TakenLease,
        label: str,
        *,
        fingerprint: str,
        salt: bytes,
        manager: LeaseManager,
        alone: bool = False,
    ) -> None:
        super().__init__(account, taken.token, label, fingerprint=fingerprint, salt=salt)
        self.alone = alone
        self.ended_before = taken.ended
        self.asked = False
        self.error: LeaseLostError | None = None
        self.runs = LeasedRuns()
        self.on_start: Callable[[], object] | None = None
        self._manager = manager
        self._user: LeaseUser | None = None
        self._refused = False
        self._until = 0
        self._until_wall: dt.datetime

    @property
    def holder(self) -> str:
        """The name of its holder."""
        return self._manager.holder.name

    def use(self, user: LeaseUser) -> None:
        """Work within it from now on.

        Raises:
            UsageError: another client does.
            LeaseLostError: it was lost.
        """
        if self._user is not None:
            raise UsageError("another client uses this lease: close it first", fatal=True)
        if self.error is not None:
            raise self.error
        self._user = user

    def leave(self, user: LeaseUser) -> None:
        """Work within it no more."""
        if self._user is user:
            self._user = None

    def start_ended(self) -> None:
        """Note that its client sends a request, or has to wait for its limits; the first time counts."""
        on_start, self.on_start = self.on_start, None
        if on_start is not None:
            on_start()

    def admits(self, now: int, in_flight: int, concurrency: int) -> bool:
        """Return whether another request may be sent; if not, `LeaseUser.serve` is called when it may.

        Args:
            now: the present moment, on the monotonic clock.
            in_flight: how many requests are in flight.
            concurrency: how many may be.
        """
        if in_flight + self.waiting < concurrency + _SPARE and self._manager.has_room(self):
            if self.trusted(now):
                return True
            self._manager.hurry()
        self._refused = True
        return False

    def trusted(self, now: int) -> bool:
        """Return whether it is certain at this moment, on the monotonic clock, that it has not expired."""
        return now < self._until and self._manager.clock.wall() < self._until_wall

    def trust(self, began: int, wall: dt.datetime, life: float) -> None:
        """Trust it as long as it is certain that it has not expired.

        Args:
            began: before it was taken or renewed, on the monotonic clock.
            wall: the same on the wall clock.
            life: the seconds until it expires.
        """
        self._until = began + round(life * _TRUSTED * SECOND)
        self._until_wall = wall + dt.timedelta(seconds=life * _TRUSTED)
        self.serve()

    def serve(self) -> None:
        """Let the client go on, if it was not admitted before."""
        if self._refused and self._user is not None:
            self._refused = False
            self._user.serve()

    def began(self) -> None:
        """See `Fence.began`."""
        self.waiting += 1
        self._manager.unsaved += 1

    def ended(self) -> None:
        """See `Fence.ended`."""
        self.waiting -= 1
        self._manager.unsaved -= 1
        self._manager.serve_blocked()
        self.serve()
        self.share()

    def share(self) -> None:
        """Let the client share the limits, if that was asked for."""
        if self.asked and self._user is not None:
            self._user.share()

    def was_asked(self) -> None:
        """See `Fence.was_asked`; it may be called in another thread."""
        self.asked = True

    def was_lost(self, error: LeaseLostError) -> None:
        """See `Fence.was_lost`."""
        if self.error is None:
            self.error = error
            self._manager.forget(self)
            if self._user is not None:
                self._user.lose(error)
