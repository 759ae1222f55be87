"""The calls of a client that read the lists of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.client.base import BaseClient
from hourlyclicks.model.dates import as_period
from hourlyclicks.model.priority import Lane

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator

    from hourlyclicks.events import Hooks
    from hourlyclicks.model.listing import ListedGroup, ListedLink


class ListCalls(BaseClient):
    """The lists of links and groups."""

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
