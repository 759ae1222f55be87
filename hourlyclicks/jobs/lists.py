"""Read the lists of links and of groups, while they may change.

Theory. The server computes a page anew for each request. An entry that is added or removed between two
requests moves the entries behind it: onto the next page, where they come a second time, or onto a page that
was read before, where they would be missed. Therefore

* each entry is yielded once, however often it comes;
* a reading counts only if nothing moved in it: all pages name the same total, no entry came twice, there were
  as many entries as the total says, and the first page, requested again at the end, is the same. Otherwise
  the list is read again, for the entries that were missed;
* the links of the days that are over are read apart from those of the newest days. No link is added to them
  any more, so that each change is a removal and shows in the total, whatever the order of the list.

How long the period between two days of creation may be is not documented. A rejected period is halved, and
all later ones are no longer. A longer one may also be cut at one of its ends without a word. Then links are
missing before the oldest one that was found, or after the newest. So these days are asked for as well, until
there are no links in them.

Memory is bounded by one page, and the targets that were found.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import TYPE_CHECKING, Final, TypeVar

import attrs

from hourlyclicks import events
from hourlyclicks.errors import ApiError, DecodeError
from hourlyclicks.fetching.list_pages import SHORTEST_PERIOD, fetch_page
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.listing import ListedGroup, ListedLink
from hourlyclicks.model.quantities import count
from hourlyclicks.model.targets import Target
from hourlyclicks.model.zones import last_begun, last_ended
from hourlyclicks.wire.lists import GROUPS, LINKS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence

    from hourlyclicks.events import ListName
    from hourlyclicks.events.context import CallContext
    from hourlyclicks.fetching.fetcher import DayFetcher
    from hourlyclicks.model.listing import Page
    from hourlyclicks.wire.lists import ListEndpoint

Entry = TypeVar("Entry", ListedLink, ListedGroup)

FIRST_CREATION: Final = dt.date(2000, 1, 1)
"""No link is older: the vendor did not exist then."""

MOST_READINGS: Final = 5
"""How often a list is read that changes each time."""

_DAY = dt.timedelta(days=1)


@attrs.define
class Reading:
    """What was seen while the pages of a list were read once, and whether the list stayed the same.

    Attributes:
        pages: how many pages were read.
        total: how many entries there are, as the last page says; ``None``: it does not say.
        moved: whether an entry was added or removed meanwhile, as far as that shows.
    """

    pages: int = 0
    total: int | None = None
    moved: bool = False
    _seen: set[Target] = attrs.field(factory=set)
    _first: tuple[Target, ...] = ()

    def add(self, page: Page[Entry]) -> list[Entry]:
        """Note the next page; return the entries that had not come before."""
        targets = tuple(entry.target for entry in page.entries)
        if not self.pages:
            self._first = targets
        elif page.total != self.total:
            self.moved = True
        new = {entry.target: entry for entry in page.entries if entry.target not in self._seen}
        self._seen.update(new)
        self.pages += 1
        self.total = page.total
        self.moved |= len(new) < len(targets)
        return list(new.values())

    def end(self, first: Page[Entry]) -> None:
        """Note the first page as it is at the end."""
        self.moved |= first.total != self.total or tuple(e.target for e in first.entries) != self._first

    @property
    def complete(self) -> bool:
        """Whether all entries were seen."""
        return not self.moved and self.total in {None, len(self._seen)}

    def problem(self, name: ListName) -> str:
        """Return why a list cannot be read, in words."""
        if self.moved:
            return f"the list of {name} changed each of the {MOST_READINGS} times it was read"
        entries = count(self.total or 0, "entry")
        return f"the list of {name} has {entries}, of which its pages have {len(self._seen):,}"


class ListReader:
    """Read the lists of an account, in one call of a user.

    Args:
        fetcher: sends the requests.
        zone: the account's time zone, if it is known.
        context: the call, as its events name it.
    """

    def __init__(self, fetcher: DayFetcher, zone: dt.tzinfo | None, context: CallContext) -> None:
        self._fetcher = fetcher
        self._zone = zone
        self._context = context

    async def links(
        self, created: DateRange | None, check: Callable[[], None]
    ) -> AsyncGenerator[ListedLink, None]:
        """Yield the links, each once.

        Args:
            created: the days on which they were created; ``None``: any.
            check: called before the first request.
        """
        check()
        seen: set[Target] = set()
        longest: int | None = None
        periods = deque(self._periods(created))
        with self._context:
            while periods:
                period, rest = _cut(periods.popleft(), longest)
                days = set[dt.date]()
                try:
                    async for link in self._entries("links", LINKS, seen, period):
                        if link.created is not None:
                            days.add(link.created.date())
                        yield link
                    if longest is None:  # a server that refuses long periods does not cut them
                        rest = [*_beside(days, period), *rest]
                except ApiError as error:
                    if error.code is None or len(period) <= SHORTEST_PERIOD:
                        raise
                    longest, rest = len(period) // 2, [period, *rest]
                periods.extendleft(reversed(rest))

    async def groups(self, check: Callable[[], None]) -> AsyncGenerator[ListedGroup, None]:
        """Yield the groups, each once; `check` is called before the first request."""
        check()
        with self._context:
            async for group in self._entries("groups", GROUPS, set()):
                yield group

    def _periods(self, created: DateRange | None) -> Iterator[DateRange]:
        """Yield the days that are over, if there are any, then the others."""
        now = self._fetcher.rules.clock.wall()
        days = created or DateRange(FIRST_CREATION, max(FIRST_CREATION, last_begun(now, self._zone)))
        over = last_ended(now, self._zone)
        if not days.start <= over < days.end:
            yield days
            return
        yield DateRange(days.start, over)
        yield DateRange(over + dt.timedelta(days=1), days.end)

    async def _entries(
        self,
        name: ListName,
        endpoint: ListEndpoint[Entry],
        seen: set[Target],
        created: DateRange | None = None,
    ) -> AsyncIterator[Entry]:
        """Yield the entries of a list that are not in `seen`, until they are complete, and add them to it."""
        reading = Reading()
        for number in range(1, MOST_READINGS + 1):
            reading = Reading()
            async for entries in self._pages(name, endpoint, created, reading, number):
                for entry in entries:
                    if entry.target not in seen:
                        seen.add(entry.target)
                        yield entry
            if reading.complete:
                return
        raise DecodeError((reading.problem(name),), retryable=True)

    async def _pages(
        self,
        name: ListName,
        endpoint: ListEndpoint[Entry],
        created: DateRange | None,
        reading: Reading,
        number: int,
    ) -> AsyncIterator[Sequence[Entry]]:
        """Read all pages once, and the first one again; yield what is on each."""
        following: int | None = 1
        while following is not None:
            page = await self._page(name, endpoint, following, created, number)
            new = reading.add(page)
            yield new
            following = page.next if new else None  # a server that ignores the number goes on forever
        if reading.pages > 1:
            first = await self._page(name, endpoint, 1, created, number)
            reading.end(first)
            yield first.entries

    async def _page(
        self,
        name: ListName,
        endpoint: ListEndpoint[Entry],
        page: int,
        created: DateRange | None,
        reading: int,
    ) -> Page[Entry]:
        context, dispatch = self._context, self._fetcher.rules.dispatch
        answer = await fetch_page(self._fetcher, name, endpoint, page, created=created, context=context)
        if dispatch:
            entries, total = len(answer.entries), answer.total
            read = events.PageRead(
                name=name, page=page, entries=entries, total=total, reading=reading, **context.tags
            )
            dispatch(read)
        return answer


def _cut(days: DateRange, longest: int | None) -> tuple[DateRange, list[DateRange]]:
    """Return the first days, no more than `longest`, and what is left of them."""
    if longest is None or len(days) <= longest:
        return days, []
    return DateRange(days.start, days[longest - 1]), [DateRange(days[longest], days.end)]


def _beside(created: set[dt.date], period: DateRange) -> Iterator[DateRange]:
    """Yield the days of a period before the first and after the last creation, if it may have been cut."""
    if not created or len(period) <= SHORTEST_PERIOD:
        return
    first, last = min(created), max(created)
    if period.start < first <= period.end:
        yield DateRange(period.start, first - _DAY)
    if period.start <= last < period.end:
        yield DateRange(last + _DAY, period.end)
