"""Version 2, version 3 and the choice between them give the same store, cell by cell."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeAlias

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import Account, Link
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Target
from hourlyclicks.simulator import RangeRules, Simulator
from hourlyclicks.store import MemoryStore
from tests.client.stories import simulate
from tests.sizes import examples

if TYPE_CHECKING:
    from hourlyclicks import Client
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.simulator import VirtualClock

Cells: TypeAlias = "dict[Target, list[tuple[object, ...]]]"

TODAY = dt.date(2025, 6, 1)
TARGETS: tuple[Target, ...] = (Link("kYdr", "https://vvd.bz"), Link("b", "https://vvd.bz"), Account())

rules = st.builds(
    RangeRules,
    cap=st.sampled_from([None, 7, 14, "month"]),
    month=st.sampled_from(["calendar", "30", "31"]),
    too_long=st.sampled_from(["refuse", "cut_end", "cut_start", "whole"]),
    refusal=st.sampled_from([200, 400, 422]),
    excludes=st.sampled_from(["nothing", "start", "end", "both"]),
    shift=st.sampled_from([0, 0, 0, 1, -9]),
    missing=st.sampled_from([None, None, None, 404, 501]),
)


@attrs.frozen
class Case:
    """A backfill, and what the store has before it.

    Args:
        days: the days.
        targets: the targets.
        holes: the days of an earlier run, by version 2, of the first target.
        order: the order of the requests.
        rules: what the server does with ranges.
        active_days: the percentage of days with clicks.
        plan: the plan of the server's account.
    """

    days: DateRange
    targets: tuple[Target, ...]
    holes: DateRange | None
    order: str
    rules: RangeRules
    active_days: int
    plan: str


def _range_until(last: dt.date, length: int) -> DateRange:
    return DateRange(last - dt.timedelta(length - 1), last)


ranges = st.builds(_range_until, st.dates(TODAY - dt.timedelta(120), TODAY), st.integers(1, 70))
cases = st.builds(
    Case,
    days=ranges,
    targets=st.lists(st.sampled_from(TARGETS), min_size=1, max_size=2, unique=True).map(tuple),
    holes=st.none() | ranges,
    order=st.sampled_from(["oldest", "newest", "newest-day"]),
    rules=rules,
    active_days=st.sampled_from([100, 50, 10, 2, 0]),
    plan=st.sampled_from(["premium", "business", "enterprise"]),
)


def cells(case: Case, endpoint: str) -> Cells:
    """Run the backfill, and return the cells of its store."""
    upstream = Simulator(
        limits=(),
        concurrency=0,
        latency=(0.05, 0.05),
        today=TODAY,
        plan=case.plan,
        ranges=case.rules,
        active_days=case.active_days,
    )
    store = MemoryStore()

    async def earlier(client: Client, _: VirtualClock) -> None:
        if case.holes is not None:
            await client.fetch(case.holes.start, case.holes.end, case.targets[0])

    async def story(client: Client, _: VirtualClock) -> Cells:
        first, last = case.days.start, case.days.end
        report = await client.backfill(first, last, case.targets, order=case.order)  # type: ignore[arg-type]  # one of its orders
        assert (report.complete, report.failed, report.refused) == (True, 0, 0)
        account = next(iter((await store.accounts()).values()))
        return {
            target: [_cells_of(day) for day in await store.read(account, target, case.days)]
            for target in case.targets
        }

    simulate(upstream, earlier, store=store, timezone="UTC")
    found: Cells = simulate(upstream, story, store=store, timezone="UTC", endpoint=endpoint)
    return found


def _cells_of(day: DayClicks) -> tuple[object, ...]:
    return day.date, day.clicks, day.unique_users, day.final


@settings(max_examples=examples(60), deadline=None)
@given(case=cases)
def test_the_endpoint_changes_no_cell(case: Case) -> None:
    """For any days, targets, orders, holes and servers; also with silently cut, shifted or missing ranges."""
    assert cells(case, "auto") == cells(case, "v2")
