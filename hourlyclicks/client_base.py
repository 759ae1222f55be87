"""The part of a client that is about no single day: its life, its events, and the lists of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from hourlyclicks.model.checks import check_amount, check_whole
from hourlyclicks.model.dates import as_period
from hourlyclicks.model.priority import Lane

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from hourlyclicks.engine import Engine
    from hourlyclicks.events import EventStream, Hook, Hooks, Subscription
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.lifetime import Lifetime
    from hourlyclicks.model.listing import ListedGroup, ListedLink
    from hourlyclicks.model.targets import Target


class BaseClient:
    """What a client has besides its calls for days."""

    _engine: Engine
    _life: Lifetime

    def links(
        self,
        *,
        created: tuple[dt.date | str, dt.date | str] | None = None,
        label: str | None = None,
        on_event: Hooks = None,
    ) -> AsyncGenerator[ListedLink, None]:
        """Read the list of the account's links, page by page.

        ::

            async for link in client.links(created=("2025-01-01", "2025-12-31")):
                print(link.target, link.created, link.title)

        Each link comes once. If links are added or removed meanwhile, the list is read again for those that
        were missed. The requests keep the plan's limit for requests of any kind, apart from those for
        statistics; with limits of your own, they keep these limits once more.

        Args:
            created: the first and the last day of creation, both included; if omitted, all links.
            label: what to call this call in its events and in the log: 1 to 64 printable characters.
            on_event: a hook, or several, for the events of this call; see `hourlyclicks.events`.

        Yields:
            Links, in no particular order.

        Raises:
            PlanError: the plan does not include lists; nothing is sent.
            DecodeError: the list changes each time it is read, or lacks entries.
            HourlyClicksError: a page failed.
        """
        days = None if created is None else as_period(created)
        context = self._begin(Lane.INTERACTIVE, None, label, on_event)
        return self._engine.lists(context).links(days, self._life.check)

    def groups(
        self, *, label: str | None = None, on_event: Hooks = None
    ) -> AsyncGenerator[ListedGroup, None]:
        """Read the list of the account's groups, page by page; see `links`."""
        context = self._begin(Lane.INTERACTIVE, None, label, on_event)
        return self._engine.lists(context).groups(self._life.check)

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
