"""A range that is asked for anyway brings along the days around it that may have changed, for nothing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, Link
from hourlyclicks.model.dates import DateRange
from hourlyclicks.simulator import Envelope, RangeRules, Rule, Script, Status, run_virtual
from hourlyclicks.store import MemoryStore
from hourlyclicks.store.freshness import Freshness
from hourlyclicks.store.ledger import DayState
from tests.client.stories import UNLIMITED
from tests.jobs.test_range_work import V2, V3, server

if TYPE_CHECKING:
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.simulator import Simulator, VirtualClock

LINKS = [Link(name, "https://vvd.bz") for name in ("a", "b", "c")]
DAY = dt.timedelta(days=1)
FIRST = dt.date(2025, 5, 20)
"""Before the first day of the virtual clock, which is 2025-06-01, noon in UTC."""
TODAY = dt.date(2025, 6, 1)
WEEK = DateRange(TODAY - 7 * DAY, TODAY - DAY)


def cells(day: DayClicks) -> tuple[object, ...]:
    """Return what a day says, whenever it was asked for."""
    return day.date, day.clicks, day.unique_users, day.final


class Nights:
    """Nightly runs on one store, each a program of its own.

    Args:
        clock: what time it is.
        endpoint: which endpoint they use.
        upstream: the server.
    """

    def __init__(self, clock: VirtualClock, endpoint: str, upstream: Simulator) -> None:
        self.clock = clock
        self.endpoint = endpoint
        self.upstream = upstream
        self.store = MemoryStore(clock=clock)

    @property
    def today(self) -> dt.date:
        """Today in UTC."""
        return self.clock.wall().date()

    def client(self) -> Client:
        """Return the client of another program."""
        return Client(
            self.upstream.key,
            transport=self.upstream.transport(self.clock),
            clock=self.clock,
            store=self.store,
            limits=UNLIMITED,
            endpoint=self.endpoint,  # type: ignore[arg-type]  # one of its values
        )

    async def backfill(self, first: dt.date, last: dt.date, **options: Any) -> BackfillReport:  # noqa: ANN401 - passed through
        """Bring some days into the store."""
        async with self.client() as client:
            return await client.backfill(first, last, options.pop("targets", LINKS), **options)

    async def sync(self) -> BackfillReport:
        """Bring all links up to date."""
        async with self.client() as client:
            return await client.sync(LINKS)

    async def stale(self, link: Link) -> int:
        """Return how many days a later run would ask for again."""
        now = self.clock.wall()
        [summary] = await self.store.summarize(
            1, [link], None, freshness=Freshness(now, patient=True), now=now
        )
        return summary.stale

    async def states(self, link: Link, days: DateRange) -> list[DayState]:
        """Return the states of some days."""
        return [entry.state for entry in await self.store.entries(1, link, days)]

    async def provisional_week(self) -> None:
        """Leave the last seven days provisional, of links that are known for longer."""
        await self.backfill(FIRST, TODAY - DAY)
        for link in LINKS:
            for day in WEEK:
                await self.store.doubt(1, link, day)
        await self.clock.sleep(7_200)
        for link in LINKS:
            assert await self.stale(link) == len(WEEK)


@pytest.mark.parametrize("endpoint", ["v3", "auto"])
@pytest.mark.parametrize("run", ["sync", "backfill"])
def test_a_nightly_run_over_a_provisional_week(endpoint: str, run: str) -> None:
    """Costs one request for each link, and leaves nothing stale."""

    async def story(clock: VirtualClock) -> None:
        nights = Nights(clock, endpoint, server(RangeRules()))
        await nights.provisional_week()
        sent = nights.upstream.counters.requests
        if run == "sync":
            report = await nights.sync()
        else:
            report = await nights.backfill(TODAY - DAY, TODAY)
        assert nights.upstream.counters.requests - sent == report.requests == len(LINKS)
        for link in LINKS:
            assert await nights.stale(link) == 0
            assert set(await nights.states(link, DateRange(FIRST, WEEK[-3]))) == {DayState.FINAL}

    run_virtual(story)


@pytest.mark.parametrize("order", ["oldest", "newest", "newest-day"])
def test_night_after_night(order: str) -> None:
    """Only yesterday and today are asked for, and the days that were not over last night are final by now."""

    async def story(clock: VirtualClock) -> None:
        nights = Nights(clock, "auto", server(RangeRules()))
        await nights.backfill(FIRST, TODAY - DAY)
        for _ in range(5):
            await clock.sleep(86_400)
            report = await nights.backfill(nights.today - DAY, nights.today, order=order)
            assert (report.requests, report.total, report.done) == (
                len(LINKS),
                2 * len(LINKS),
                2 * len(LINKS),
            )
        for link in LINKS:
            assert await nights.stale(link) == 0
            days = DateRange(FIRST, nights.today)
            states = await nights.states(link, days)
            assert [state is DayState.PROVISIONAL for state in states] == [
                *[False] * (len(days) - 2),
                True,
                True,
            ]
            async with Client(
                nights.upstream.key, transport=nights.upstream.transport(clock), clock=clock, limits=UNLIMITED
            ) as client:
                expected = await client.fetch(days.start, days.end, link)
            found = await nights.store.read(1, link, days)
            assert [cells(day) for day in found] == [cells(day) for day in expected.days()]

    run_virtual(story)


def test_final_days_are_not_asked_for() -> None:
    """A range that has room, but nothing that may have changed, stays as it is."""

    async def story(clock: VirtualClock) -> None:
        nights = Nights(clock, "auto", server(RangeRules()))
        await nights.backfill(FIRST, TODAY - 5 * DAY)
        days = DateRange(FIRST, TODAY - 5 * DAY)
        before = {link: await nights.store.entries(1, link, days) for link in LINKS}
        report = await nights.backfill(TODAY - 4 * DAY, TODAY - 3 * DAY)
        assert report.requests == len(LINKS)
        assert {link: await nights.store.entries(1, link, days) for link in LINKS} == before

    run_virtual(story)


def test_no_day_before_a_creation_is_asked_for() -> None:
    """Although it has failed before the creation was known."""

    async def story(clock: VirtualClock) -> None:
        no = Envelope({"code": 9, "message": "not created yet", "result": []})
        upstream = server(RangeRules())
        nights = Nights(clock, "v2", upstream)
        await nights.backfill(FIRST, FIRST + 9 * DAY)
        upstream.faults = Script(Rule(no, day=TODAY - 2 * DAY))
        await nights.backfill(TODAY - 2 * DAY, TODAY - 2 * DAY, targets=LINKS[:1])
        upstream.faults = Script()
        nights.endpoint = "auto"
        since = {LINKS[0]: TODAY - DAY}
        await nights.backfill(TODAY - DAY, TODAY, targets=LINKS[:1], since=since)
        assert await nights.states(LINKS[0], DateRange(TODAY - 2 * DAY, TODAY - 2 * DAY)) == [DayState.FAILED]
        await clock.sleep(7_200)
        await nights.backfill(TODAY - DAY, TODAY, targets=LINKS[:1])
        assert await nights.states(LINKS[0], DateRange(TODAY - 2 * DAY, TODAY - 2 * DAY)) == [DayState.FINAL]

    run_virtual(story)


def test_a_failed_day_of_the_run_comes_with_all_others() -> None:
    """The pass for failed days asks for the missing ones around them as well, once."""

    async def story(clock: VirtualClock) -> None:
        upstream = server(RangeRules())
        nights = Nights(clock, "auto", upstream)
        await nights.backfill(FIRST, FIRST + 5 * DAY)
        upstream.faults = Script(
            Rule(Envelope({"code": 9, "message": "no", "result": []}), day=TODAY - 4 * DAY)
        )
        await nights.backfill(TODAY - 4 * DAY, TODAY - 4 * DAY)
        upstream.faults = Script()
        report = await nights.backfill(FIRST, TODAY - DAY)
        assert (report.requests, report.failed, report.remaining) == (len(LINKS), 0, 0)
        assert report.done + report.reused == report.total == 12 * len(LINKS)

    run_virtual(story)


def test_what_was_brought_along_is_not_asked_for_by_itself() -> None:
    """If the range is refused, only the days of the run are asked for in another way."""

    async def story(clock: VirtualClock) -> None:
        upstream = server(RangeRules())
        nights = Nights(clock, "auto", upstream)
        await nights.provisional_week()
        upstream.faults = Script(Rule(Envelope({"code": 9, "message": "no", "result": []}), endpoint=V3))
        before = upstream.counters.count(endpoint=V2)
        report = await nights.backfill(TODAY - DAY, TODAY)
        assert (report.done, report.failed) == (2 * len(LINKS), 0)
        assert upstream.counters.count(endpoint=V2) - before == 2 * len(LINKS)

    run_virtual(story)


@pytest.mark.parametrize("proved", [False, True], ids=["nothing is known of ranges", "ranges are proved"])
@pytest.mark.parametrize("cap", [7, 14, None], ids=str)
def test_a_lone_day_in_a_range_that_is_refused(cap: int | None, *, proved: bool) -> None:
    """It is fetched, whether the range became too long by the days around it or one of them is rejected."""

    async def story(clock: VirtualClock) -> None:
        upstream = server(RangeRules(cap=cap))
        first = FIRST - 10 * DAY
        nights = Nights(clock, "v2", upstream)
        if proved:
            nights.endpoint = "auto"
            await nights.backfill(first - 60 * DAY, first - DAY)
            nights.endpoint = "v2"
        upstream.faults = Script(Rule(Status(405)))
        await nights.backfill(first, TODAY - 2 * DAY)
        no = Envelope({"code": 9, "message": "no", "result": []})
        upstream.faults = Script(*(Rule(no, day=first + number * DAY) for number in range(5)))
        nights.endpoint = "v3"
        report = await nights.backfill(TODAY - DAY, TODAY - DAY)
        assert (report.done, report.failed, report.remaining) == (len(LINKS), 0, 0)
        assert report.requests <= 4 * len(LINKS) + 4

    run_virtual(story)
