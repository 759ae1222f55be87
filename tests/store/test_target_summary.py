"""Summaries of many targets."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Account, Group
from hourlyclicks.store.freshness import SKEW, Freshness
from hourlyclicks.store.ledger import STALE_AFTER, DayState, LedgerEntry
from hourlyclicks.store.target_summary import batches
from tests.model.strategies import a_day
from tests.sizes import examples, sized
from tests.store.answers import FAILED, REFUSED
from tests.store.locations import DatabaseLocation, SqliteLocation
from tests.store.summaries import day_by_day

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path

    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.protocol import Store
    from tests.store.databases import PreparedDatabases
    from tests.store.locations import Location

SPAN = DateRange(dt.date(2024, 3, 9), dt.date(2024, 3, 12))  # in New York, the second day has 23 hours
ZONES = (None, dt.UTC, ZoneInfo("America/New_York"), dt.timezone.min, dt.timezone.max)
HOURS = (1, 25, 29, 30, 37, 48)
"""About so many hours after it has begun in UTC, a day is final in one of these zones."""
INSTANT = dt.timedelta.resolution
MOMENTS = [dt.timedelta(hours=hours) + nudge for hours in HOURS for nudge in (-INSTANT, dt.timedelta(0))]
KINDS = (*DayState, "in doubt", "not requested")
UNKNOWN = Group(10_000)


def stamped(date: dt.date, after: dt.timedelta) -> dt.datetime:
    """Return the moment that is so long after a day's beginning in UTC."""
    return dt.datetime.combine(date, dt.time(), dt.UTC) + after


def written(kind: str, date: dt.date, at: dt.datetime) -> Iterator[DayClicks | LedgerEntry]:
    """Yield what is put into a store, so that a day is of some kind afterwards."""
    if kind in {DayState.FAILED, DayState.REFUSED}:
        reason = FAILED if kind == DayState.FAILED else REFUSED
        yield LedgerEntry(date, DayState(kind), at, 1, reason=reason)
        return
    if kind == "not requested":
        yield LedgerEntry(date, DayState.FAILED, at, 0, reason=FAILED)
        return
    day = a_day(date, final=kind != DayState.PROVISIONAL, at=at)
    nothing = (None,) * 24
    less = attrs.evolve(day, clicks=nothing, unique_users=nothing)
    yield less if kind == DayState.EMPTY else day
    if kind == "in doubt":
        yield attrs.evolve(less, fetched_at=at + STALE_AFTER)


async def fill(store: Store, account: int) -> list[Target]:
    """Fill a store with days of each kind around each moment, and return the targets."""
    targets: list[Target] = []
    for number, (kind, after) in enumerate(itertools.product(KINDS, MOMENTS)):
        targets.append(target := Group(number))
        writes: list[Coroutine[Any, Any, object]] = []
        for place, date in enumerate(SPAN):
            if (number + place) % len(SPAN):  # one day is missing
                writes += [
                    store.record_failure(account, target, each)
                    if isinstance(each, LedgerEntry)
                    else store.put(account, target, each, requests=1)
                    for each in written(kind, date, stamped(date, after))
                ]
        await asyncio.gather(*writes)  # in one transaction, in their order
    return [*targets, UNKNOWN, Account()]


NOWS = st.builds(
    lambda date, after, nudge: stamped(date, after) + nudge,
    st.sampled_from(list(SPAN)),
    st.sampled_from(MOMENTS),
    st.sampled_from([-SKEW - INSTANT, -SKEW, dt.timedelta(0), STALE_AFTER, dt.timedelta(days=30)]),
)
FRESHNESS = st.builds(
    Freshness,
    NOWS,
    st.sampled_from(ZONES),
    refresh=st.booleans(),
    refused=st.booleans(),
    patient=st.booleans(),
    trusting=st.booleans(),
)
RANGES = st.none() | st.tuples(*[st.sampled_from(list(SPAN))] * 2).map(sorted).map(
    lambda ends: DateRange(*ends)
)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_summary_is_the_rule_day_by_day(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """By any clock, zone and freshness, a store counts what the rule for single days says."""
    with asyncio.Runner() as runner:
        if kind == "sqlite":
            location: Location = SqliteLocation(tmp_path / "clicks.db")
        else:
            databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
            location = DatabaseLocation(runner.run(databases.new()))
        store, account = runner.run(location.account())
        targets = runner.run(fill(store, account))
        entries = {target: runner.run(store.entries(account, target, SPAN)) for target in targets}

        @given(FRESHNESS, NOWS, RANGES)
        @settings(max_examples=examples(240) if kind == "sqlite" else sized(10, examples(240)))
        def compare(freshness: Freshness, now: dt.datetime, range_: DateRange | None) -> None:
            found = runner.run(store.summarize(account, targets, range_, freshness=freshness, now=now))
            assert found == [
                day_by_day(
                    target,
                    [entry for entry in entries[target] if entry.date in (range_ or SPAN)],
                    range_,
                    freshness=freshness,
                    now=now,
                )
                for target in targets
            ]

        compare()
        runner.run(location.close())


@pytest.mark.parametrize("number", [0, 1, 499, 1001])
@pytest.mark.parametrize("days", [None, SPAN, DateRange(dt.date.min, dt.date.max)])
def test_long_lists_are_divided(number: int, days: DateRange | None) -> None:
    """Each target comes once, in order, and a part of them has few days to count."""
    targets = [Group(place) for place in range(number)]
    parts = list(batches(targets, days))
    assert list(itertools.chain.from_iterable(parts)) == targets
    assert all(len(part) == 1 or len(part) * len(days or SPAN) <= 60_000 for part in parts)
    assert len(parts) <= max(number, 1)
