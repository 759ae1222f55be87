"""Concurrent calls for sums of overlapping days share their requests."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks import (
    Account,
    AuthenticationError,
    DateRange,
    IncompleteSeriesError,
    Limits,
    RetryPolicy,
    ServerError,
)
from hourlyclicks.pacing.queue import Lane
from hourlyclicks.simulator import Envelope, RangeRules, Rule, Script, Status
from hourlyclicks.simulator.traffic import day_figures
from hourlyclicks.store import MemoryStore
from tests.client.stories import LINK, free, simulate
from tests.sizes import examples

if TYPE_CHECKING:
    from hourlyclicks import Client
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.simulator import Simulator, VirtualClock

YEAR = DateRange.of("2023-01-01", "2023-12-31")
SPRING, SUMMER = DateRange.of("2023-01-01", "2023-06-30"), DateRange.of("2023-04-10", "2023-09-30")
BAD = dt.date(2023, 3, 9)
NO_RETRY = RetryPolicy(attempts=1)


def times_asked(upstream: Simulator) -> Counter[dt.date]:
    """Return how often each day was asked for."""
    asked: Counter[dt.date] = Counter()
    for arrival in upstream.seen:
        fields = parse_qs(arrival.query)
        asked.update(DateRange.of(fields["startYmd"][0], fields["endYmd"][0]))
    return asked


def is_right(series: DailySeries, upstream: Simulator) -> bool:
    """Return whether each sum is that of the simulator, and none is missing."""
    truth = upstream.cells(series.target, series.range.start, series.range.end)
    wrong = [day for day in series if (day.clicks, day.unique_users) != day_figures(truth[day.date])]
    return not wrong and series.missing_days == ()


async def daily(client: Client, days: DateRange, lane: Lane = Lane.INTERACTIVE) -> DailySeries:
    """Fetch the sums of days."""
    return await client.daily(days.start, days.end, LINK, lane=lane)


@pytest.mark.parametrize("with_store", [False, True])
@pytest.mark.parametrize("calls", [[YEAR] * 5, [SPRING, SUMMER], [YEAR, SPRING, SUMMER]], ids=len)
def test_no_day_is_asked_for_twice(calls: list[DateRange], *, with_store: bool) -> None:
    """Whatever the calls have in common, and each gets all of its days.

    Without a store, that is true of days that are asked for at the same time.
    """
    upstream = free(plan="enterprise")

    async def story(client: Client, _: VirtualClock) -> list[DailySeries]:
        return await asyncio.gather(*(daily(client, days) for days in calls))

    series = simulate(upstream, story, store=MemoryStore() if with_store else None)
    assert [each.range for each in series] == calls
    assert all(is_right(each, upstream) for each in series)
    if with_store:
        assert set(times_asked(upstream).values()) == {1}
    if set(calls) == {YEAR}:
        assert upstream.counters.requests == 12


def test_other_targets_are_other_days() -> None:
    """They are asked for at the same time."""
    upstream = free(plan="enterprise")

    async def story(client: Client, _: VirtualClock) -> None:
        await asyncio.gather(daily(client, YEAR), client.daily(YEAR.start, YEAR.end, Account()))

    simulate(upstream, story)
    assert upstream.counters.requests == 24


@pytest.mark.parametrize("both", [False, True])
def test_a_call_that_is_cancelled(*, both: bool) -> None:
    """Its request goes on for the other call, and ends with the last of them."""
    upstream = free(plan="enterprise")

    async def story(client: Client, clock: VirtualClock) -> None:
        leader, follower = [asyncio.create_task(daily(client, YEAR)) for _ in range(2)]
        await clock.sleep(0.05)
        for call in (leader, follower)[: 1 + both]:
            call.cancel()
            await asyncio.wait([call])
            assert call.cancelled()
        if both:
            await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == 1
        else:
            assert is_right(await follower, upstream)

    simulate(upstream, story)
    assert upstream.counters.requests == (1 if both else 12)


def test_a_refused_day_is_refused_to_all() -> None:
    """It is found once, and each call has its error."""
    refusal = Envelope({"code": 4711, "message": "no", "result": None})
    rules = Script(Rule(refusal, day=BAD, endpoint="clicks-by-date/v2"))

    async def story(client: Client, _: VirtualClock, *, copies: int) -> None:
        calls = [daily(client, DateRange.of("2023-03-09", "2023-04-30")) for _ in range(copies)]
        for outcome in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(outcome, IncompleteSeriesError)
            assert outcome.failures.keys() == {BAD}
            assert outcome.failures[BAD].day == BAD

    requests = []
    for copies in (1, 2):
        upstream = free(plan="enterprise", faults=rules)
        simulate(upstream, partial(story, copies=copies))
        requests.append(upstream.counters.requests)
    assert requests[0] == requests[1] > 3


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (500, IncompleteSeriesError)])
def test_an_error_is_that_of_all(status: int, kind: type[Exception]) -> None:
    """One that ends the call as well as one of single days; no request is repeated for it."""
    upstream = free(plan="enterprise", faults=Script(Rule(Status(status))))

    async def story(client: Client, _: VirtualClock) -> None:
        month = DateRange.of("2023-03-01", "2023-03-31")
        outcomes = await asyncio.gather(*(daily(client, month) for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [kind] * 3
        assert len({id(outcome) for outcome in outcomes}) == 3
        if kind is IncompleteSeriesError:
            for outcome in outcomes:
                assert isinstance(outcome, IncompleteSeriesError)
                assert all(isinstance(error, ServerError) for error in outcome.failures.values())

    simulate(upstream, story, retry=NO_RETRY)
    assert upstream.counters.requests == 1


def test_an_urgent_call_moves_a_request_forward() -> None:
    """What a call in the background waits for is sent with the priority of the call that follows it."""
    upstream = free(plan="enterprise")

    async def story(client: Client, clock: VirtualClock) -> None:
        hours = asyncio.create_task(client.fetch("2023-01-01", "2023-03-31", LINK))
        await clock.sleep(0.01)
        background = asyncio.create_task(daily(client, YEAR, Lane.BACKFILL))
        await clock.sleep(0.01)
        assert is_right(await daily(client, YEAR), upstream)
        assert not hours.done()
        assert not background.done() or is_right(background.result(), upstream)
        await asyncio.gather(hours, background)

    simulate(upstream, story, limits=Limits(concurrency=1))
    assert upstream.counters.count(endpoint="clicks-by-date/v2") == 12


spans = st.builds(
    lambda first, days: DateRange(first, first + dt.timedelta(days)),
    st.dates(YEAR.start, dt.date(2023, 3, 31)),
    st.integers(0, 60),
)
servers = st.builds(
    RangeRules,
    cap=st.sampled_from([None, 7, 14]),
    too_long=st.sampled_from(["refuse", "cut_end", "cut_start", "whole"]),
    excludes=st.sampled_from(["nothing", "start", "end", "both"]),
)


@settings(max_examples=examples(100), deadline=None)
@given(
    calls=st.lists(st.tuples(spans, st.sampled_from([0, 0.05, 0.12])), min_size=2, max_size=3),
    rules=servers,
    active_days=st.sampled_from([100, 10]),
)
def test_concurrent_calls_get_what_each_alone_would(
    calls: list[tuple[DateRange, float]], rules: RangeRules, active_days: int
) -> None:
    """On any server, and with any delay between them: every sum is right."""
    upstream = free(plan="business", ranges=rules, active_days=active_days)

    async def story(client: Client, clock: VirtualClock) -> list[DailySeries]:
        async def after(seconds: float, days: DateRange) -> DailySeries:
            await clock.sleep(seconds)
            return await daily(client, days)

        return await asyncio.gather(*(after(seconds, days) for days, seconds in calls))

    assert all(is_right(series, upstream) for series in simulate(upstream, story))
