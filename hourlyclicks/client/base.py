"""What the calls of a client have in common: how each begins; and the client's state, events and end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from hourlyclicks.model.checks import check_amount, check_type, check_whole
from hourlyclicks.model.dates import DateRange, as_day
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.zones import check_begun

if TYPE_CHECKING:
    import datetime as dt
    from types import TracebackType

    from hourlyclicks.client.engine import Engine
    from hourlyclicks.client.lifetime import Lifetime
    from hourlyclicks.clock import Clock
    from hourlyclicks.events import EventStream, Hook, Hooks, Subscription
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.model.state import ClientState
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.plans import Allowance


class BaseClient:
    """The base of the classes that each have a group of a client's calls."""

    _allowance: Allowance
    _clock: Clock
    _engine: Engine
    _life: Lifetime
    _zone: dt.tzinfo | None

    def state(self) -> ClientState:
        """Return what the client is doing now, for ``/healthz`` and for metrics.

        It is cheap, sends nothing, looks into no store, and can be called at any time, also after `close`.
        Like all of a client, it belongs to one thread: another one asks the event loop.
        """
        return self._engine.state(self._life.status)

    def subscribe(self, hook: Hook) -> Subscription:
        """Call a further hook with every event from now on, as with ``on_event``.

        ::

            with client.subscribe(bar.update):
                series = await client.fetch("2025-04-01", "2025-04-30", link)

        Returns:
            A context manager with a method ``cancel``; either of them ends it.

        Raises:
            UsageError: the hook cannot be called, or is an async function.
        """
        return self._engine.dispatch.subscribe(hook)

    def events(self, *, size: int = 1000) -> EventStream:
        """Return the events of this client as an async iterator, in place of a hook.

        ::

            async with client.events() as events:
                async for event in events:
                    ...

        The iteration ends when the client is closed. Another task has to make the calls meanwhile.

        Args:
            size: how many events are kept until they are read. After that the oldest are dropped, and counted
                in its ``dropped``.

        Raises:
            UsageError: an argument is invalid.
        """
        check_whole("size", size, least=1)
        from hourlyclicks.events.stream import EventStream  # noqa: PLC0415 - most programs use none

        return EventStream(self._engine.dispatch, size=size, check=self._life.check)

    def retry_key(self) -> None:
        """Send requests again although the server has rejected the key.

        After an `AuthenticationError` by HTTP 401 or 403, or by a `code` about the key before any day was
        answered, all calls of a client fail without a request. A service calls this when the key may be
        accepted again; if it is not, the next call fails with the same error. Otherwise it does nothing.
        """
        self._engine.retry_key()

    async def close(self, *, grace: float | None = None) -> None:
        """End all running calls and close the connections.

        Calls that wait end at once with a `UsageError`, which carries what they had. With a store, requests
        in flight are waited for, so that their answers are stored.

        It may be called several times, also at the same time: all calls return when it is closed. Closing
        continues when a caller is cancelled. Called on another event loop than the client was used on, it
        does not wait for what that loop has left unfinished.

        Args:
            grace: the seconds for which requests in flight are waited for at most; they are abandoned then.
                If omitted, 1 with a store, and 0 without. ``async with`` closes the client in this way.
        """
        if grace is not None:
            check_amount("grace", grace, zero=True)
        await self._life.close(grace=grace)

    async def __aenter__(self) -> Self:
        self._life.check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        life = vars(self).get("_life")  # not there yet while the arguments are checked
        return f"<Client {'closed' if life is not None and life.closed else 'open'}>"

    def _begin(self, lane: Lane, target: Target | None, label: str | None, on_event: Hooks) -> CallContext:
        """Return the context of a call that begins; see `Dispatcher.begin`."""
        return self._engine.dispatch.begin(lane, target, label=label, on_event=on_event)

    def _check(
        self,
        start: dt.date | str,
        end: dt.date | str,
        *targets: Target,
        lane: Lane = Lane.BACKFILL,
        use: bool = True,
    ) -> DateRange:
        """Check the arguments of a call before anything is sent."""
        if use:
            self._life.check()
        check_type("lane", lane, Lane)
        for target in targets:
            self._allowance.check(target)
        range_ = DateRange(as_day(start), as_day(end))
        check_begun(range_.end, self._clock.wall())
        return range_
