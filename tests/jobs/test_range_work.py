"""Days that are fetched by ranges: with few requests, and without another cell than version 2 has."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import itertools
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from hourlyclicks import Client, Link, RetryPolicy, UsageError
from hourlyclicks.errors import ApiError, HourlyClicksError, IncompleteSeriesError, StoreError
from hourlyclicks.events import DayDone, DayFailed, EndpointChanged, Event
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import MONTH
from hourlyclicks.model.report import StopReason
from hourlyclicks.simulator import (
    Envelope,
    RangeRules,
    Rule,
    Script,
    Simulator,
    Status,
    WrongDay,
    run_virtual,
)
from hourlyclicks.store import MemoryStore
from tests.client.stories import LINK, UNLIMITED, simulate
from tests.sizes import sample

if TYPE_CHECKING:
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.simulator import Fault, VirtualClock

V2, V3 = "clicks-by-hour/v2", "clicks-by-hour/v3"
HALF_YEAR = ("2024-01-01", "2024-06-30")
MARCH = ("2024-03-01", "2024-03-31")
MONTHS, FORTNIGHTS, WEEKS, DAYS = 6, 13, 26, 182
"""The fewest ranges of half a year, by their length."""

OTHER = Link("b", "https://vvd.bz")
SERVERS = [
    RangeRules(),
    RangeRules(cap=7),
    RangeRules(cap=14, refusal=400),
    RangeRules(cap=7, too_long="cut_end"),
    RangeRules(cap=14, too_long="cut_start"),
    RangeRules(excludes="end"),
    RangeRules(excludes="both"),
    RangeRules(shift=1),
    RangeRules(shift=-24),
    RangeRules(missing=404),
    RangeRules(missing=501),
]


def server(rules: RangeRules, **options: Any) -> Simulator:  # noqa: ANN401 - passed through
    """Return a simulator without rate limits."""
    options.setdefault("plan", "Enterprise")
    return Simulator(limits=(), concurrency=0, latency=(0.05, 0.05), ranges=rules, **options)


def fetched(upstream: Simulator, days: tuple[str, str] = HALF_YEAR, **options: Any) -> HourlySeries:  # noqa: ANN401 - passed through
    """Fetch days without a store."""
    series: HourlySeries = simulate(upstream, lambda client, _: client.fetch(*days, LINK), **options)
    return series


@functools.cache
def by_single_days(active: int, days: tuple[str, str] = HALF_YEAR) -> HourlySeries:
    """Return what version 2 has of some days, where so many percent of them have clicks.

    That is what the server has; `tests.simulator` fetches it day by day.
    """
    return server(RangeRules(), active_days=active).truth(LINK, *days)


@pytest.mark.parametrize(("active", "rules"), sample([*itertools.product([100, 2], SERVERS)], 15), ids=str)
def test_no_cell_depends_on_the_endpoint(active: int, rules: RangeRules) -> None:
    """Whatever the server does with ranges, and however few days have clicks."""
    assert fetched(server(rules, active_days=active), endpoint="auto") == by_single_days(active)


@pytest.mark.parametrize(
    ("rules", "most"),
    [
        (RangeRules(), MONTHS + 1),
        (RangeRules(cap=7), WEEKS + 12),
        (RangeRules(cap=7, too_long="cut_end"), 2 * WEEKS),
        (RangeRules(excludes="end"), 2 * MONTHS + 2),
        (RangeRules(missing=404), DAYS + 1),
        (RangeRules(shift=1), DAYS + 2),
    ],
    ids=str,
)
def test_few_requests(rules: RangeRules, most: int) -> None:
    """Days take a request a month, and one for the proof; a server that cannot do that costs little more."""
    upstream = server(rules)
    fetched(upstream, endpoint="auto")
    assert upstream.counters.requests <= most


@pytest.mark.parametrize("day", [dt.date(2024, 1, 9), dt.date(2024, 5, 31), dt.date(2024, 6, 1)])
def test_a_rejected_day_makes_no_range_shorter(day: dt.date) -> None:
    """It is found by shorter ranges, of which not all are answered; other ranges are as long as before."""
    rejected = Envelope({"code": 4711, "message": "too old", "result": None})
    upstream = server(RangeRules(), faults=Script(Rule(rejected, day=day)))
    store = MemoryStore()

    def requests(target: Link) -> int:
        """Return how many requests a program sends for the half year of a target."""

        async def story(client: Client, _: VirtualClock) -> BackfillReport:
            return await client.backfill(*HALF_YEAR, [target])

        before = upstream.counters.requests
        report = simulate(upstream, story, store=store, endpoint="auto")
        assert report.done == DAYS - (upstream.faults is not None)
        return upstream.counters.requests - before

    assert [requests(target) <= MONTHS + 16 for target in (LINK, OTHER)] == [True, True]
    upstream.faults = None
    assert requests(Link("c", "https://vvd.bz")) == MONTHS


@pytest.mark.parametrize("order", ["oldest", "newest", "newest-day"])
def test_a_backfill_by_ranges(order: str) -> None:
    """It writes the same cells in every order, and nothing is requested again, by either endpoint."""
    upstream, events = server(RangeRules()), list[Event]()

    async def story(client: Client, clock: VirtualClock) -> BackfillReport:
        del clock
        return await client.backfill(*HALF_YEAR, [LINK, OTHER], order=order)  # type: ignore[arg-type]  # one of its orders

    async def read(client: Client, _: VirtualClock) -> HourlySeries:
        await client.backfill(*HALF_YEAR, [LINK, OTHER])
        return await client.fetch(*HALF_YEAR, LINK)

    store = MemoryStore()
    report = simulate(upstream, story, store=store, endpoint="auto", on_event=events.append)
    assert (report.done, report.failed, report.requests) == (2 * DAYS, 0, 2 * MONTHS + 1)
    assert sum(event.requests for event in events if isinstance(event, DayDone)) == 2 * MONTHS
    series = [simulate(upstream, read, store=store, endpoint=endpoint) for endpoint in ("v2", "v3")]
    assert upstream.counters.requests == report.requests
    assert series == 2 * [by_single_days(100)]


@pytest.mark.parametrize("rules", [RangeRules(missing=410), RangeRules(shift=1)], ids=str)
def test_an_endpoint_that_is_missing_or_differs(rules: RangeRules) -> None:
    """It is reported once, and not asked again for a day; with ``"v3"`` it is an error."""
    upstream, events = server(rules), list[Event]()

    async def story(client: Client, clock: VirtualClock) -> None:
        await client.fetch(*HALF_YEAR, LINK)
        asked = upstream.counters.count(endpoint=V3)
        await client.fetch(*HALF_YEAR, OTHER)
        assert upstream.counters.count(endpoint=V3) == asked == 1
        await clock.sleep(86_401)
        await client.fetch(*HALF_YEAR, OTHER)
        assert upstream.counters.count(endpoint=V3) == 2

    simulate(upstream, story, endpoint="auto", on_event=events.append)
    assert [event.endpoint for event in events if isinstance(event, EndpointChanged)] == ["v2", "v2"]
    with pytest.raises(HourlyClicksError, match=r"HTTP 410|version 3 has other figures"):
        fetched(server(rules), endpoint="v3")


def test_an_endpoint_is_one_of_three() -> None:
    """Another one is a usage error."""
    with pytest.raises(UsageError, match="'v2', 'v3' or 'auto'"):
        Client("key-of-a-test", endpoint="v4")  # type: ignore[arg-type]  # the purpose


def test_a_stream_by_ranges() -> None:
    """The days come in order, also where some are in the store, and only the others are requested."""
    store, upstream = MemoryStore(), server(RangeRules())

    async def some(client: Client, _: VirtualClock) -> None:
        for month in ("01", "03", "06"):
            await client.fetch(f"2024-{month}-01", f"2024-{month}-20", LINK)

    async def story(client: Client, _: VirtualClock) -> list[dt.date]:
        async with client.stream(*HALF_YEAR, LINK) as days:
            return [day.date async for day in days]

    simulate(upstream, some, store=store)
    dates = simulate(upstream, story, store=store, endpoint="auto")
    assert dates == list(DateRange.of(*HALF_YEAR))
    assert upstream.counters.requests == 3 * 20 + MONTHS + 1


def test_a_range_that_fails_is_so_many_failed_days() -> None:
    """Each has its own error, and is requested in the next run; the requests count once."""
    store, events = MemoryStore(), list[Event]()
    down = Script(Rule(Status(500), endpoint=V3))

    async def story(client: Client, _: VirtualClock) -> BackfillReport:
        return await client.backfill("2024-03-01", "2024-03-31", [LINK])

    run = functools.partial(simulate, main=story, store=store, endpoint="auto", on_event=events.append)
    report = run(server(RangeRules(), faults=down), retry=RetryPolicy(attempts=2))
    failed = [event for event in events if isinstance(event, DayFailed)]
    assert (report.failed, report.requests, len(report.failures)) == (31, 2, 31)
    assert [event.requests for event in failed] == [2] + 30 * [0]
    assert [event.error.day for event in failed] == [event.day for event in failed]
    report = run(server(RangeRules()))
    assert (report.done, report.requests) == (31, 2)


def test_two_runs_share_the_days_of_a_range() -> None:
    """A call for a day of a range in flight gets its answer, and overlapping ranges ask for no day twice."""
    upstream = server(RangeRules())

    async def story(client: Client, clock: VirtualClock) -> None:
        month = asyncio.create_task(client.fetch("2024-03-01", "2024-03-31", LINK))
        await clock.sleep(0.15)  # the first range is answered, and a day is compared
        day, overlapping, first = await asyncio.gather(
            client.day("2024-03-17", LINK), client.fetch("2024-03-20", "2024-04-18", LINK), month
        )
        assert day in list(first.days())
        assert overlapping.missing_days == ()

    simulate(upstream, story, endpoint="auto")
    assert upstream.counters.count(endpoint=V2) == 1
    assert upstream.counters.count(endpoint=V3) <= 3


@pytest.mark.parametrize("overlap", [0, 11])
def test_two_processes_ask_for_no_day_twice(overlap: int) -> None:
    """The claims of a range are those of all its days, and a day that is stored meanwhile is left out."""
    upstream = server(RangeRules())

    async def story(clock: VirtualClock) -> None:
        store = MemoryStore(clock=clock)
        async with AsyncExitStack() as stack:
            one, two = [
                await stack.enter_async_context(
                    Client(
                        upstream.key,
                        transport=upstream.transport(clock),
                        clock=clock,
                        store=store,
                        limits=UNLIMITED,
                        endpoint="auto",
                    )
                )
                for _ in range(2)
            ]
            first = dt.date(2024, 2, 1 + overlap)
            reports = await asyncio.gather(
                one.backfill("2024-01-01", "2024-01-31", [LINK]),
                two.backfill(first - dt.timedelta(30), first, [LINK]),
            )
            assert [report.failed for report in reports] == [0, 0]

    run_virtual(story)
    assert upstream.counters.count(endpoint=V3) <= 2
    assert upstream.counters.count(endpoint=V2) <= 2


def test_an_estimate_is_what_a_backfill_by_ranges_sends() -> None:
    """Also where the store has some of the days; a request of proof comes on top."""
    upstream, store = server(RangeRules()), MemoryStore()

    async def some(client: Client, _: VirtualClock) -> None:
        await client.fetch("2024-02-20", "2024-05-05", LINK)

    async def story(client: Client, _: VirtualClock) -> None:
        targets = [LINK, OTHER]
        estimate = await client.estimate(*HALF_YEAR, targets)
        report = await client.backfill(*HALF_YEAR, targets)
        assert estimate.requests == report.requests - 1 == 2 + 2 + MONTHS
        assert (estimate.plan.endpoint, estimate.plan.cap) == ("v3", MONTH)
        assert client.estimate(*HALF_YEAR, 3).requests == 3 * MONTHS

    simulate(upstream, some, store=store)
    simulate(upstream, story, store=store, endpoint="auto")


@pytest.mark.parametrize("fault", [Envelope({"code": 9, "message": "no", "result": []}), WrongDay()], ids=str)
def test_one_day_spoils_no_range(fault: Fault) -> None:
    """A rejected day is found by halving, an unusable answer by single days; all others are fetched."""
    bad, events = dt.date(2024, 3, 17), list[Event]()
    upstream = server(RangeRules(), faults=Script(Rule(fault, day=bad)))

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(IncompleteSeriesError) as caught:
            await client.fetch("2024-01-01", "2024-04-30", LINK)
        assert caught.value.series is not None
        assert caught.value.series.missing_days == (bad,)

    simulate(upstream, story, endpoint="auto", on_event=events.append, retry=RetryPolicy(attempts=2))
    assert [event.day for event in events if isinstance(event, DayFailed)] == [bad]
    assert upstream.counters.requests < 4 + 31 + 10


def test_a_target_of_which_every_range_is_refused() -> None:
    """It costs version 2 and a few requests, is parked as ever, and lowers the cap for no other target."""
    unknown = Script(Rule(Envelope({"code": 9, "message": "no such link", "result": []}), target=OTHER))
    upstream = server(RangeRules(), faults=unknown)

    async def story(client: Client, _: VirtualClock) -> BackfillReport:
        return await client.backfill(*HALF_YEAR, [LINK, OTHER])

    report: BackfillReport = simulate(upstream, story, store=MemoryStore, endpoint="auto")
    assert list(report.parked) == [OTHER]
    assert report.done == DAYS
    assert upstream.counters.count(endpoint=V3) <= MONTHS + 5 * 6  # of each worker
    assert report.requests <= MONTHS + 1 + 5 * 6 + 20


class FullStore(MemoryStore):
    """A store in which no answer for several days can be written."""

    async def put_days(self, *_: Any, **__: Any) -> NoReturn:  # noqa: ANN401 - as in `Store`
        """Fail."""
        raise StoreError("the disk is full")


@pytest.mark.parametrize("call", ["fetch", "backfill"])
def test_an_answer_that_cannot_be_stored(call: str) -> None:
    """The error carries all of its days, in order, and so does the series of a fetch."""
    upstream, days = server(RangeRules()), DateRange.of(*MARCH)

    async def story(client: Client, _: VirtualClock) -> None:
        await (client.fetch(*MARCH, LINK) if call == "fetch" else client.backfill(*MARCH, [LINK]))

    with pytest.raises(StoreError, match="full") as caught:
        simulate(upstream, story, store=FullStore(), endpoint="auto")
    assert [day.date for day in caught.value.unsaved] == list(days)
    assert (caught.value.day, caught.value.target) == (days.start, LINK)
    if call == "fetch":
        assert caught.value.series is not None
        assert caught.value.series.missing_days == ()


@pytest.mark.parametrize("well_before", [0, 12])
@pytest.mark.parametrize("fault", sample([Status(302), Status(405), Status(407), Status(425)], 2), ids=str)
def test_a_gateway_that_answers_for_ranges(fault: Fault, well_before: int) -> None:
    """It ends a run of many targets as soon as one that answers for single days, and no day is rejected."""
    upstream = server(RangeRules())
    upstream.faults = Script(Rule(fault, number=range(well_before + 1, 10_000)))

    async def story(client: Client, _: VirtualClock) -> BackfillReport:
        return await client.backfill(*HALF_YEAR, [Link(f"l{n}", "https://vvd.bz") for n in range(20)])

    report: BackfillReport = simulate(upstream, story, store=MemoryStore, endpoint="v3")
    assert (report.stopped, report.refused) == (StopReason.TROUBLE, 0)
    assert report.requests <= well_before + 30


@pytest.mark.parametrize("endpoint", ["v2", "v3"])
def test_a_gateway_in_the_place_of_a_range(endpoint: str) -> None:
    """A call for one target ends after a few requests, with the answer of the gateway."""
    upstream = server(RangeRules(), faults=Script(Rule(Status(405))))

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(ApiError, match="HTTP 405"):
            await client.fetch("2014-01-01", "2023-12-31", LINK)

    simulate(upstream, story, endpoint=endpoint)
    assert upstream.counters.requests <= 12
