"""What a scan reads, and the reading itself."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Target
from hourlyclicks.store.opening import is_address, open_store
from hourlyclicks.store.postgres_address import place_of
from hourlyclicks.store.target_summary import batches

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.store.reader import StoreReader
    from hourlyclicks.store.stored_account import StoredAccount


@attrs.frozen
class Selection:
    """Which days of which targets.

    Args:
        store: a path or an address.
        start: the first day; ``None``: of each target the first day with figures.
        end: the last day; ``None``: of each target the last day with figures.
        targets: the targets; ``None``: all.
        account: the name of the account or the beginning of its fingerprint; ``None``: the only one.
    """

    store: str | os.PathLike[str]
    start: dt.date | None
    end: dt.date | None
    targets: tuple[Target, ...] | None
    account: str | None

    @property
    def days(self) -> DateRange | None:
        """The range, if both of its ends are given."""
        return None if self.start is None or self.end is None else DateRange(self.start, self.end)

    def within(self, known: DateRange) -> DateRange | None:
        """Return those of the days of a target that were selected."""
        first, last = self.start or known.start, self.end or known.end
        return DateRange(first, last) if first <= last else None

    def trimmed(self, series: HourlySeries) -> HourlySeries | None:
        """Return a series without missing days at an end that was not given; ``None``: nothing is left."""
        missing = set(series.missing_days)
        known = [date for date in series.range if date not in missing]
        if not known:
            return None
        part = DateRange(self.start or known[0], self.end or known[-1])
        return series if part == series.range else series[part.start : part.end]

    def __str__(self) -> str:
        """Say what is selected; an address is shown without its user and its password."""
        where = os.fspath(self.store)
        shown = place_of(where) if is_address(where) else where
        number = None if self.targets is None else len(self.targets)
        targets = "all targets" if number is None else f"{number} target{'' if number == 1 else 's'}"
        return f"{shown}: {targets}, {self.start or 'the first day'}..{self.end or 'the last day'}"


async def read(selection: Selection) -> AsyncGenerator[HourlySeries, None]:
    """Open a store and yield the series of each target.

    Args:
        selection: what to read.

    Raises:
        UsageError: there is no such account, or several and none was named.
        StoreError: the store cannot be read.
    """
    async with open_store(selection.store) as store:
        account = await _account(store, selection.account)
        targets = selection.targets
        if targets is None:
            targets = () if account is None else tuple(await account.targets())
        days = selection.days
        if days is not None:
            for target in targets:
                yield await _series(account, target, days)
        elif account is not None:
            for batch in batches(targets, None):
                for summary in await account.summarize(batch):
                    part = None if summary.range is None else selection.within(summary.range)
                    if part is not None:
                        series = selection.trimmed(await _series(account, summary.target, part))
                        if series is not None:
                            yield series


async def _account(store: StoreReader, name: str | None) -> StoredAccount | None:
    """Return the account, or ``None`` if none was named and the store is empty."""
    if name is None and not await store.accounts():
        return None
    return await store.account(name)


async def _series(account: StoredAccount | None, target: Target, days: DateRange) -> HourlySeries:
    if account is None:
        return merge_days(days, (), target=target)
    return await account.series(days.start, days.end, target)
