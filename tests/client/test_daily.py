"""What `daily` returns, how many requests it sends, and what it does with what the API leaves open."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import (
    Account,
    ApiError,
    AuthenticationError,
    Client,
    Group,
    HourlyClicksError,
    IncompleteSeriesError,
    Limits,
    Link,
    Plan,
    RetryPolicy,
    ServerError,
)
from hourlyclicks.events import FetchCancelled, Progress, RangeDone
from hourlyclicks.jobs.range_plan import plan_ranges
from hourlyclicks.model.daily_series import DailySeries
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.range_caps import RangeCap
from hourlyclicks.simulator import (
    Catalogue,
    Envelope,
    ListedLink,
    RangeRules,
    Rule,
    Script,
    Status,
    run_virtual,
)
from hourlyclicks.simulator.faults import nested
from hourlyclicks.simulator.traffic import day_figures
from tests.client.stories import KEY, LINK, UNLIMITED, free, simulate
from tests.sizes import examples, sample

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.events import Event
    from hourlyclicks.simulator import Asked, Fault, Simulator, VirtualClock

BY_DATE = "clicks-by-date/v2"
YEAR = "2023-01-01", "2023-12-31"
FIVE_MONTHS = "2023-01-01", "2023-05-31"
MONTH = "2023-03-01", "2023-03-31"
BAD = dt.date(2023, 3, 9)
NO_RETRY = RetryPolicy(attempts=1)
ONE_AT_A_TIME = Limits(concurrency=1)
CHANGED = list(
    itertools.product(
        [
            RangeRules(cap=7, too_long="cut_end"),
            RangeRules(cap=14, too_long="cut_start"),
            RangeRules(excludes="end"),
            RangeRules(excludes="both"),
        ],
        [100, 70, 10, 2],
    )
)
"""How a server answers for ranges after it has changed, and the percentage of days with clicks."""


def wrong_days(series: DailySeries, upstream: Simulator) -> list[dt.date]:
    """Return the days whose sums differ from the simulator's."""
    truth = upstream.cells(series.target, series.range.start, series.range.end)
    return [day.date for day in series if (day.clicks, day.unique_users) != day_figures(truth[day.date])]


def refused(message: str) -> Envelope:
    """Return a refusal of the API."""
    return Envelope({"code": 4711, "message": message, "result": None})


@pytest.mark.parametrize("target", [LINK, Account(), Group(7), Link("a/b+c%d&e#f 한글", "https://vvd.im")])
def test_a_year_takes_twelve_requests(target: Account | Link | Group) -> None:
    """Every sum is what the simulator has, and no request is for hours."""
    upstream = free(plan="enterprise")
    series = simulate(upstream, lambda client, _clock: client.daily(*YEAR, target))
    assert (wrong_days(series, upstream), series.missing_days, series.provisional_days) == ([], (), ())
    assert upstream.counters.requests == upstream.counters.count(endpoint=BY_DATE) == 12


@pytest.mark.parametrize(
    ("plan", "requests"), [(Plan.PERSONAL, 53), (Plan.PREMIUM, 27), (Plan.BUSINESS, 12), (None, 55)]
)
def test_a_plan_says_how_long_a_range_is(plan: Plan | None, requests: int) -> None:
    """Without a plan, ranges of a month and of 14 days are refused once each."""
    name = "personal" if plan is None else plan.name.lower()
    upstream = free(plan=name)
    options = {"plan": plan, "limits": None} if plan is not None else {}
    series = simulate(upstream, lambda client, _clock: client.daily(*YEAR, LINK), **options)
    assert (wrong_days(series, upstream), upstream.counters.requests) == ([], requests)


@settings(max_examples=examples(60), deadline=None)
@given(
    rules=st.builds(
        RangeRules,
        cap=st.sampled_from([7, 14, 31, "month"]),
        too_long=st.sampled_from(["refuse", "cut_end", "cut_start", "whole"]),
        excludes=st.sampled_from(["nothing", "start", "end", "both"]),
        silent_days=st.sampled_from(["omit", "zeros"]),
        refusal=st.sampled_from([200, 400, 422]),
    ),
    active=st.sampled_from([100, 50, 10, 2]),
    plan=st.sampled_from([None, Plan.PREMIUM, Plan.ENTERPRISE]),
    days=st.integers(1, 100),
)
def test_no_day_is_lost(rules: RangeRules, active: int, plan: Plan | None, days: int) -> None:
    """Whatever the server does with long ranges and with their ends, and however sparse the clicks are."""
    upstream = free(plan="enterprise", ranges=rules, active_days=active)
    start = dt.date(2023, 1, 20)

    async def main(client: Client, _clock: VirtualClock) -> DailySeries:
        return await client.daily(start, start + dt.timedelta(days - 1), LINK)

    options = {} if plan is None else {"plan": plan, "limits": None}
    series = simulate(upstream, main, **options)
    truth = upstream.cells(LINK, series.range.start, series.range.end)
    for day in series.days():
        assert (day.clicks or 0) == (day_figures(truth[day.date])[0] or 0)
    assert series.missing_days == ()
    assert upstream.counters.requests <= 2 * -(-days // 5) + 12


def test_what_one_answer_proves_holds_for_all_targets() -> None:
    """After a target with clicks on every day, a target without any costs the fewest requests."""
    young = ListedLink(Link("young", "https://vvd.bz"), dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    upstream = free(plan="enterprise", catalogue=Catalogue([young]))

    async def main(client: Client, _clock: VirtualClock) -> None:
        silent = await client.daily(*MONTH, young.link)
        assert (silent.provisional_days, silent.clicks.tolist()) == (silent.dates, [None] * 31)
        await client.daily(*MONTH, Group(7))
        before = upstream.counters.requests
        silent = await client.daily(*MONTH, young.link)
        assert (silent.provisional_days, silent.clicks.tolist()) == ((), [None] * 31)
        assert upstream.counters.requests == before + 1

    simulate(upstream, main)


@pytest.mark.parametrize(("rules", "active"), sample(CHANGED, 5), ids=str)
def test_a_server_that_changes_while_a_client_runs(rules: RangeRules, active: int) -> None:
    """What it has answered is no proof minutes later, and an answer that looks cut needs a newer one."""
    upstream = free(plan="enterprise", active_days=active)
    expected = simulate(upstream, lambda client, _clock: client.daily(*YEAR, LINK))

    async def main(client: Client, clock: VirtualClock) -> None:
        upstream.ranges = RangeRules()
        await client.daily(*YEAR, Group(7))
        gradual = rules.excludes != "nothing" or active < 70  # only minutes tell, not the looks of an answer
        await clock.sleep(601 if gradual else 121)
        upstream.ranges = rules
        before = upstream.counters.requests
        series = await client.daily(*YEAR, LINK)
        assert [day.clicks for day in series] == [day.clicks for day in expected]
        assert upstream.counters.requests - before <= 2 * 53 + 12

    simulate(upstream, main)


@pytest.mark.parametrize(("call", "cap"), sample([*itertools.product(["daily", "audit"], [14, 7])], 2))
def test_a_server_that_refuses_shorter_ranges_by_now(call: str, cap: int, tmp_path: Path) -> None:
    """After two ranges the client asks for shorter ones, and later clients on its store do, too."""
    upstream = free(plan="enterprise")
    days = DateRange.of(*FIVE_MONTHS)
    optimum = len(plan_ranges(days, RangeCap(cap), within=days))

    def client(clock: VirtualClock) -> Client:
        transport = upstream.transport(clock)
        return Client(
            upstream.key,
            transport=transport,
            clock=clock,
            store=tmp_path / "clicks.db",
            limits=ONE_AT_A_TIME,
            endpoint="auto",  # what an audit compares with takes few requests
        )

    async def requests(client: Client, target: Link) -> int:
        before = upstream.counters.count(endpoint=BY_DATE)
        if call == "daily":
            assert wrong_days(await client.daily(*FIVE_MONTHS, target), upstream) == []
        else:
            await client.backfill(*FIVE_MONTHS, [target])
            assert not (await client.audit(*FIVE_MONTHS, target)).differences
        return upstream.counters.count(endpoint=BY_DATE) - before

    async def story(clock: VirtualClock) -> None:
        async with client(clock) as running:
            assert await requests(running, LINK) == 5
            upstream.ranges = RangeRules(cap=cap)
            assert await requests(running, Link("b", "https://vvd.bz")) <= optimum + 8
            assert await requests(running, Link("c", "https://vvd.bz")) == optimum
        async with client(clock) as later:
            assert await requests(later, Link("d", "https://vvd.bz")) == optimum

    run_virtual(story)


def test_a_passing_refusal_shortens_no_range() -> None:
    """Nor does a second one, after a range as long was answered in between."""
    faults = Script(Rule(refused("maintenance"), number={3, 9}))
    upstream = free(plan="enterprise", faults=faults)

    async def main(client: Client, _clock: VirtualClock) -> None:
        assert wrong_days(await client.daily(*YEAR, LINK), upstream) == []
        assert upstream.counters.requests <= 12 + 2 * 3
        before = upstream.counters.requests
        await client.daily(*YEAR, Group(7))
        assert upstream.counters.requests == before + 12

    simulate(upstream, main, limits=ONE_AT_A_TIME)


@pytest.mark.parametrize("strict", [True, False])
def test_a_refused_day_is_found_by_halving(*, strict: bool) -> None:
    """Only that day is missing; the length of the ranges stays as it is."""
    refusal = Rule(refused("this day is too old"), day=BAD)
    upstream = free(plan="enterprise", faults=Script(refusal))

    async def main(client: Client, _clock: VirtualClock) -> DailySeries:
        await client.daily("2023-02-01", "2023-02-28", LINK)
        before = upstream.counters.requests
        if strict:
            with pytest.raises(IncompleteSeriesError, match="1 of 31 days is missing; 2023-03-09") as caught:
                await client.daily(*MONTH, LINK)
            assert {*caught.value.failures} == {BAD}
            series = caught.value.series
            assert isinstance(series, DailySeries)
        else:
            series = await client.daily(*MONTH, LINK, strict=False)
        assert upstream.counters.requests <= before + 2 * (31).bit_length() + 3
        before = upstream.counters.requests
        await client.daily("2023-04-01", "2023-04-30", LINK)
        assert upstream.counters.requests == before + 1
        return series

    series = simulate(upstream, main)
    assert (series.missing_days, wrong_days(series, upstream)) == ((BAD,), [BAD])


def test_a_target_that_is_always_refused_ends_the_call() -> None:
    """It costs few requests, and the error is that of the API."""
    refusal = Rule(refused("no such link"), target=LINK)
    upstream = free(faults=Script(refusal))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(ApiError, match="no such link") as caught:
            await client.daily(*YEAR, LINK)
        assert caught.value.fatal
        assert isinstance(caught.value.series, DailySeries)

    simulate(upstream, main)
    assert upstream.counters.requests <= 3 + 5 + 1 + 1


@pytest.mark.parametrize("fault", [Status(405), Status(505), nested()], ids=["405", "505", "too deep"])
def test_a_target_that_always_fails_alike_ends_the_call(fault: Fault) -> None:
    """An answer of a gateway, or one that no retry changes, is not requested for each range of ten years."""
    upstream = free(plan="premium", faults=Script(Rule(fault)))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(HourlyClicksError) as caught:
            await client.daily("2014-01-01", "2023-12-31", LINK)
        assert caught.value.fatal

    simulate(upstream, main, retry=NO_RETRY)
    assert upstream.counters.requests <= 5 + 1 + 2  # two are under way


class TooOld:
    """Refuses every range with a day before March."""

    def pick(self, asked: Asked) -> Envelope | None:
        """See `Faults.pick`."""
        return refused("too old") if asked.day is not None and asked.day < dt.date(2023, 3, 1) else None


def test_days_that_are_too_old_do_not_end_the_call() -> None:
    """The day at the other end of the range is asked for, and is answered; each refused day is missing."""
    upstream = free(plan="enterprise", faults=TooOld())
    series = simulate(
        upstream, lambda client, _clock: client.daily("2023-02-20", "2023-12-31", LINK, strict=False)
    )
    assert [day.day for day in series.missing_days] == list(range(20, 29))
    assert wrong_days(series, upstream) == [*series.missing_days]
    assert upstream.counters.requests <= 10 + 3 * 9 + 5


def test_failed_requests_are_repeated_and_counted() -> None:
    """A 429 pauses, a 503 is retried, and each range tells how many requests it took."""
    events: list[Event] = []
    faults = Script(Rule(Status(429), number={1}), Rule(Status(503), number={3, 4}))
    upstream = free(plan="enterprise", faults=faults)
    series = simulate(
        upstream, lambda client, _clock: client.daily(*YEAR, LINK), on_event=events.append, limits=UNLIMITED
    )
    assert wrong_days(series, upstream) == []
    done = [event for event in events if isinstance(event, RangeDone)]
    assert (len(done), sum(event.requests for event in done)) == (12, upstream.counters.requests)
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.done, last.failed, last.total, last.eta) == (365, 0, 365, 0.0)


def test_days_that_fail_for_good() -> None:
    """A range that stays without an answer is missing as a whole; the others are there."""
    faults = Script(Rule(Status(503), day=BAD))
    upstream = free(plan="enterprise", faults=faults)

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(IncompleteSeriesError, match="31 of 365 days are missing") as caught:
            await client.daily(*YEAR, LINK)
        assert {type(error) for error in caught.value.failures.values()} == {ServerError}
        assert {day.month for day in caught.value.series.missing_days} == {3}

    simulate(upstream, main, retry=NO_RETRY)


def test_a_call_ends_early_when_too_much_fails() -> None:
    """The ranges that are left are not requested, and the error says so."""
    upstream = free(plan="enterprise", faults=Script(Rule(Status(503))))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(
            IncompleteSeriesError, match=r"365 of 365 days .* days were not requested"
        ) as caught:
            await client.daily(*YEAR, LINK)
        assert len(caught.value.failures) < 365

    simulate(upstream, main)
    assert upstream.counters.requests < 12 * 4


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (404, ApiError), (501, ServerError)]
)
def test_an_error_that_all_ranges_would_meet(status: int, error: type[Exception]) -> None:
    """A rejected key, or a server without this endpoint, ends the call; what was fetched is kept."""
    upstream = free(plan="enterprise", faults=Script(Rule(Status(status), number=range(2, 99))))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(error) as caught:
            await client.daily(*YEAR, LINK)
        assert caught.value.fatal  # type: ignore[attr-defined]  # both classes have it
        assert len(caught.value.series.missing_days) == 365 - 31  # type: ignore[attr-defined]  # likewise

    simulate(upstream, main, retry=NO_RETRY)


def test_a_cancelled_call_keeps_its_days() -> None:
    """The CancelledError and an event carry what was answered before."""
    events: list[Event] = []
    upstream = free(plan="enterprise")

    async def main(client: Client, clock: VirtualClock) -> None:
        task = asyncio.ensure_future(client.daily(*YEAR, LINK))
        await clock.sleep(0.15)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        series = caught.value.series  # type: ignore[attr-defined]  # it is attached
        assert 0 < len(series.missing_days) < 365
        assert [event.series for event in events if isinstance(event, FetchCancelled)] == [series]

    simulate(upstream, main, on_event=events.append)


def test_closing_the_client_ends_the_call() -> None:
    """It raises, with what was fetched."""

    async def main(client: Client, clock: VirtualClock) -> None:
        task = asyncio.ensure_future(client.daily(*YEAR, LINK))
        await clock.sleep(0.15)
        await client.close()
        with pytest.raises(Exception, match="closed"):
            await task

    simulate(free(plan="enterprise"), main)


def test_a_final_day_is_never_requested_again(tmp_path: Path) -> None:
    """Also after a restart; days that can still change are, and a refresh asks for all."""
    upstream = free(plan="enterprise")

    async def main(clock: VirtualClock) -> None:
        counts = []
        for end, refresh in (("04-20", False), ("04-20", False), ("05-02", False), ("05-02", True)):
            client = Client(
                KEY,
                limits=UNLIMITED,
                transport=upstream.transport(clock),
                clock=clock,
                store=tmp_path / "clicks.db",
                timezone="Asia/Seoul",
            )
            async with client:
                before = upstream.counters.requests
                series = await client.daily("2023-04-01", f"2023-{end}", LINK, refresh=refresh)
            assert wrong_days(series, upstream)[:-1] == []
            counts.append((upstream.counters.requests - before, len(series.provisional_days)))
        assert counts == [(1, 0), (0, 0), (1, 1), (2, 1)]
        assert upstream.counters.count(endpoint=BY_DATE) == upstream.counters.requests

    run_virtual(main, start=dt.datetime(2023, 5, 2, 3, tzinfo=dt.UTC))
