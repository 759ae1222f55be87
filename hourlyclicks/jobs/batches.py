"""Batches: days of one target that one request for a range can ask for.

Days come one after the other, as a call needs them, and each batch takes as many as one request may ask for.
That gives the fewest requests for days in order, from either end, see `hourlyclicks.jobs.range_plan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hourlyclicks.model.dates import DateRange

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from hourlyclicks.model.range_caps import RangeCap
    from hourlyclicks.model.targets import Query, Target


class Batch(NamedTuple):
    """Days of one target to ask for together.

    Args:
        target: the target.
        days: the days, in order.
        optional: further days that the same request can ask for; see `hourlyclicks.jobs.widening`.
    """

    target: Target
    days: tuple[dt.date, ...]
    optional: tuple[dt.date, ...] = ()


async def in_order(queries: AsyncIterator[Query], cap: Callable[[], RangeCap]) -> AsyncGenerator[Batch, None]:
    """Put days into batches that come target by target, each from one end of its range to the other.

    Args:
        queries: the days.
        cap: returns how many days one request may ask for at present.
    """
    days: list[dt.date] = []
    target: Target | None = None
    async for day, of in queries:
        if target is not None and (of != target or not cap().allows(_span([*days, day]))):
            yield Batch(target, tuple(sorted(days)))
            days = []
        target = of
        days.append(day)
    if target is not None and days:
        yield Batch(target, tuple(sorted(days)))


async def interleaved(
    queries: AsyncIterator[Query], cap: Callable[[], RangeCap]
) -> AsyncGenerator[Batch, None]:
    """Put days into batches that come day by day, each of all targets.

    A batch is complete when a day of its target comes that it has no room for. So what is held is at most one
    batch of each target.
    """
    open_: dict[Target, list[dt.date]] = {}
    async for day, target in queries:
        days = open_.setdefault(target, [])
        if days and not cap().allows(_span([*days, day])):
            yield Batch(target, tuple(sorted(days)))
            days.clear()
        days.append(day)
    for target, days in open_.items():
        yield Batch(target, tuple(sorted(days)))


def _span(days: list[dt.date]) -> DateRange:
    return DateRange(min(days), max(days))
