"""The targets of a run that come from an async iterable, read while the run works on the first of them.

They are read ahead of the run, but not far: `AHEAD` targets wait at most, and the run takes all of these at
once. So a list of any length needs little memory at a time, and a page of it is requested when it is needed.
That each target counts once, however often it comes, takes a small entry for each.
"""

from __future__ import annotations

import asyncio
import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from hourlyclicks.model.target_days import TargetDays

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterable, Callable, Mapping
    from types import TracebackType

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.target_days import FirstDays, TargetItem
    from hourlyclicks.model.targets import Target

AHEAD = 100
"""How many targets are read at most before the run takes them."""


class TargetFeed:
    """Reads targets while its context is entered.

    Args:
        source: the targets.
        since: first days by target.
        days_of: returns the days of a target with that first day, if it has one; ``None``: it has no days.
        check: raises an error if a target cannot be requested.

    Attributes:
        since: the first days of the targets so far.

    Raises:
        UsageError: `since` is invalid.
    """

    def __init__(
        self,
        source: AsyncIterable[TargetItem],
        since: FirstDays | None,
        *,
        days_of: Callable[[Target, dt.date | None], DateRange | None],
        check: Callable[[Target], None],
    ) -> None:
        self._source = source
        self._targets = TargetDays(since)
        self._days_of = days_of
        self._check = check
        self._waiting: dict[Target, DateRange] = {}
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.since: dict[Target, dt.date] = {}

    @property
    def exhausted(self) -> bool:
        """Whether all targets were read, and taken."""
        reader = self._reader
        if self._waiting or reader is None or not reader.done() or reader.cancelled():
            return False
        return reader.exception() is None

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            if not self._reader.cancelled():
                self._reader.exception()  # `take` has raised it, unless the run ended before

    async def take(self) -> Mapping[Target, DateRange]:
        """Return the next targets and the days of each, as soon as there are some; after the last, none.

        Raises:
            UsageError: something is no target.
            Exception: what the source has raised, once the targets before are taken.
        """
        reader = self._reader
        while not self._waiting and reader is not None and not reader.done():
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            try:
                await asyncio.wait([changed, reader], return_when=asyncio.FIRST_COMPLETED)
            finally:
                changed.cancel()
        taken, self._waiting = self._waiting, {}
        self._changed.set()
        if not taken and reader is not None:
            reader.result()
        return taken

    async def _read(self) -> None:
        try:
            async for item in self._source:
                self._add(item)
                while len(self._waiting) >= AHEAD:
                    self._changed.clear()
                    await self._changed.wait()
        finally:
            if inspect.isasyncgen(self._source):
                with suppress(RuntimeError):  # the caller runs it as well
                    await self._source.aclose()

    def _add(self, item: TargetItem) -> None:
        target = self._targets.add(item)
        if target is None:
            return
        self._check(target)
        first = self._targets.first_day(target)
        days = self._days_of(target, first)
        if first is not None:
            self.since[target] = first
        if days is not None:
            self._waiting[target] = days
            self._changed.set()
