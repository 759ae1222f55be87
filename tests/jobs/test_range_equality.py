"""Version 2, version 3 and the choice between them give the same store, cell by cell."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import attrs
from hypothesis import event, given, settings
from hypothesis import strategies as st

from hourlyclicks import Account, Client, Group, Link, Plan
from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.jobs.run_options import Order
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.questions import EndpointChoice
from hourlyclicks.model.targets import Target
from hourlyclicks.simulator import RangeRules, Simulator, run_virtual
from hourlyclicks.simulator.clock import START
from hourlyclicks.store import MemoryStore
from tests.client.stories import UNLIMITED
from tests.sizes import examples

if TYPE_CHECKING:
    from hourlyclicks.simulator import VirtualClock

Cells: TypeAlias = "dict[tuple[Target, dt.date], tuple[object, ...]]"

TODAY = START.date()
V3 = "clicks-by-hour/v3"
LINKS = (Link("kYdr", "https://vvd.bz"), Link("b", "https://vvd.bz"))
TARGETS: tuple[Target, ...] = (*LINKS, Group(7), Account())

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
class Earlier:
    """A run that the store has seen before.

    Args:
        days: the days; those that had not begun are left out.
        place: which of the targets it was about.
        endpoint: the endpoint.
        ago: how many days ago it was, so that some of its days were not final.
    """

    days: DateRange
    place: int
    endpoint: EndpointChoice
    ago: int


@attrs.frozen
class Case:
    """A backfill, and what the store has before it.

    Args:
        days: the days.
        targets: the targets.
        history: the runs before, the first of them first.
        order: the order of the requests.
        rules: what the server does with ranges.
        active_days: the percentage of days with clicks.
        plan: the plan of the account.
        known: whether the client knows the plan.
    """

    days: DateRange
    targets: tuple[Target, ...]
    history: tuple[Earlier, ...]
    order: Order
    rules: RangeRules
    active_days: int
    plan: Plan
    known: bool

    def simulator(self) -> Simulator:
        """Return a server of that kind."""
        return Simulator(
            limits=(),
            concurrency=0,
            latency=(0.05, 0.05),
            plan=self.plan.value,
            ranges=self.rules,
            active_days=self.active_days,
        )


def _range_until(last: dt.date, length: int) -> DateRange:
    return DateRange(last - dt.timedelta(length - 1), last)


ranges = st.builds(_range_until, st.dates(TODAY - dt.timedelta(120), TODAY), st.integers(1, 70))
earlier = st.builds(
    Earlier,
    days=ranges,
    place=st.integers(0, 1),
    endpoint=st.sampled_from(["v2", "auto"]),
    ago=st.sampled_from([0, 1, 3, 40]),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Make cases; the plan Personal has links only."""
    plan = draw(st.sampled_from([Plan.PERSONAL, Plan.PREMIUM, Plan.BUSINESS, Plan.ENTERPRISE]))
    targets = st.sampled_from(LINKS if plan is Plan.PERSONAL else TARGETS)
    return Case(
        days=draw(ranges),
        targets=tuple(draw(st.lists(targets, min_size=1, max_size=2, unique=True))),
        history=tuple(sorted(draw(st.lists(earlier, max_size=3)), key=lambda run: -run.ago)),
        order=draw(st.sampled_from(["oldest", "newest", "newest-day"])),
        rules=draw(rules),
        active_days=draw(st.sampled_from([100, 50, 10, 2, 0])),
        plan=plan,
        known=draw(st.booleans()),
    )


@attrs.frozen
class Story:
    """What came of a case.

    Args:
        cells: the days in the store, as far as the case is about them.
        error: how the backfill ended, if not well.
        ranges: how many requests for ranges it sent.
        again: how many requests the same backfill sends after that, by each endpoint in turn.
    """

    cells: Cells
    error: HourlyClicksError | None
    ranges: int
    again: int


def told(case: Case, endpoint: EndpointChoice) -> Story:
    """Run the history of a case and then its backfill, on one virtual clock."""
    upstream = case.simulator()

    async def story(clock: VirtualClock) -> Story:
        store = MemoryStore(clock=clock)
        for run in case.history:
            await clock.sleep((START - dt.timedelta(run.ago) - clock.wall()).total_seconds())
            last = min(run.days.end, TODAY - dt.timedelta(run.ago))
            if run.days.start <= last:
                target = case.targets[run.place % len(case.targets)]
                days = DateRange(run.days.start, last)
                await backfill(clock, store, run.endpoint, days, (target,))
        await clock.sleep((START - clock.wall()).total_seconds())
        before, error = upstream.counters.count(endpoint=V3), None
        try:
            await backfill(clock, store, endpoint)
        except HourlyClicksError as ending:
            error = ending
        used, asked = upstream.counters.count(endpoint=V3) - before, upstream.counters.requests
        cells = await read(store)
        if error is None:
            for other in get_args(EndpointChoice):
                await backfill(clock, store, other)
        return Story(cells, error, used, upstream.counters.requests - asked)

    async def backfill(
        clock: VirtualClock,
        store: MemoryStore,
        by: EndpointChoice,
        days: DateRange = case.days,
        targets: tuple[Target, ...] = case.targets,
    ) -> None:
        known: dict[str, Any] = {"plan": case.plan} if case.known else {"limits": UNLIMITED}
        async with Client(
            upstream.key,
            transport=upstream.transport(clock),
            clock=clock,
            random=random.Random(1),
            store=store,
            timezone="UTC",
            endpoint=by,
            **known,
        ) as client:
            report = await client.backfill(days.start, days.end, targets, order=case.order)
            assert (report.complete, report.failed, report.refused) == (True, 0, 0)

    async def read(store: MemoryStore) -> Cells:
        return {
            (target, day.date): (day.clicks, day.unique_users, day.final)
            for account in (await store.accounts()).values()
            for target in case.targets
            for day in await store.read(account, target, case.days)
        }

    return run_virtual(story, start=START - dt.timedelta(50))


@settings(max_examples=examples(100), deadline=None)
@given(case=cases())
def test_the_endpoint_changes_no_cell(case: Case) -> None:
    """For any days, targets, orders, histories and servers; then switching the endpoint requests nothing.

    Also with silently cut, shifted or missing ranges, which end a run that may use version 3 only.
    """
    expected, auto, v3 = (told(case, endpoint) for endpoint in ("v2", "auto", "v3"))
    event(f"version 3 is {'used' if v3.ranges else 'not used'}, {type(v3.error).__name__}")
    assert (expected.error, auto.error) == (None, None)
    assert auto.cells == expected.cells
    assert expected.again == auto.again == v3.again == 0
    if v3.error is None:
        assert v3.cells == expected.cells
        assert not (v3.ranges and case.rules.missing)
    else:
        assert case.rules.missing or case.rules.shift
        assert expected.cells.items() >= {name: day for name, day in v3.cells.items() if day[-1]}.items()
