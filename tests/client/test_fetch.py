"""What `fetch` and `day` return, and how days fail."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import (
    Account,
    AuthenticationError,
    Client,
    Group,
    IncompleteSeriesError,
    Lane,
    Limits,
    Link,
    Rate,
    RateLimitedError,
    RetryPolicy,
    ServerError,
)
from hourlyclicks.clock import SECOND
from hourlyclicks.events import DayFailed
from hourlyclicks.simulator import Rule, Script, Simulator, Status, retry_after, run_virtual
from tests.client.stories import END, KEY, LINK, START, UNLIMITED, free, simulate
from tests.truths import differences

if TYPE_CHECKING:
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import VirtualClock


@pytest.mark.parametrize("target", [LINK, Account(), Group(7), Link("a/b+c%d&e#f 한글", "https://vvd.im")])
def test_a_month_is_exact(target: Account | Link | Group) -> None:
    """Every cell is what the simulator says, with one request a day."""
    upstream = free()
    series = simulate(upstream, lambda client, _clock: client.fetch(START, END, target))
    assert differences(series, upstream) == []
    assert upstream.counters.requests == len(set(upstream.counters.asked)) == 31


def test_the_order_of_arrival_does_not_matter() -> None:
    """Whatever order the answers come in, the series is the same."""
    upstreams = [Simulator(limits=(), concurrency=0, latency=(0.0, high)) for high in (0.0, 3.0)]
    one, other = (simulate(up, lambda client, _clock: client.fetch(START, END, LINK)) for up in upstreams)
    assert one == other


def test_a_day_is_a_day() -> None:
    """`day` returns 24 hours, when they were fetched, and whether they can still change."""

    async def main(client: Client, clock: VirtualClock) -> None:
        day = await client.day(dt.date(2024, 3, 1), LINK)
        assert (day.date, len(day.clicks), day.final) == (dt.date(2024, 3, 1), 24, True)
        assert day.fetched_at == clock.wall() - dt.timedelta(seconds=0.1)  # when it was asked for

    simulate(free(), main)


def test_today_is_not_final() -> None:
    """A day that still runs somewhere is provisional; with a zone, it is final an hour after its midnight."""
    upstream = free()

    async def main(clock: VirtualClock) -> None:
        for zone, final in ((None, False), ("Asia/Seoul", True), ("America/New_York", False)):
            transport = upstream.transport(clock)
            client = Client(KEY, limits=UNLIMITED, transport=transport, clock=clock, timezone=zone)
            async with client:
                series = await client.fetch("2024-03-01", "2024-03-01", LINK)
            assert (series.provisional_days == ()) is final

    run_virtual(main, start=dt.datetime(2024, 3, 1, 16, 30, tzinfo=dt.UTC))


@pytest.mark.parametrize(("early", "final"), [(0.05, False), (0.0, True)])
def test_a_day_asked_for_too_early_is_not_final(early: float, final: bool) -> None:  # noqa: FBT001 - parametrized
    """The time of the request counts, since the answer may be that old, whenever it arrives."""
    upstream = free()
    settled = dt.datetime(2024, 3, 2, 13, tzinfo=dt.UTC)  # an hour after the 1st was over everywhere

    async def main(clock: VirtualClock) -> None:
        client = Client(upstream.key, limits=UNLIMITED, transport=upstream.transport(clock), clock=clock)
        async with client:
            day = await client.day("2024-03-01", LINK)
        assert clock.wall() > settled
        assert day.final is final

    run_virtual(main, start=settled - dt.timedelta(seconds=early))


def test_a_failed_day_is_an_error() -> None:
    """One failed day raises with all the others attached; `strict=False` returns them, and names the day."""
    bad = dt.date(2024, 3, 5)
    upstream = free(faults=Script(Rule(Status(404, body=b'{"code": 9}'), day=bad)))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(IncompleteSeriesError) as caught:
            await client.fetch(START, END, LINK)
        assert list(caught.value.failures) == [bad]
        assert caught.value.failures[bad].day == bad
        assert caught.value.failures[bad].target == LINK
        assert caught.value.series.missing_days == (bad,)
        series = await client.fetch(START, END, LINK, strict=False)
        assert series.missing_days == (bad,)
        assert len(list(series.days())) == 30

    simulate(upstream, main)


def test_a_dead_server_ends_a_run() -> None:
    """When everything fails the retry budget ends the run, and the error counts what was not requested."""
    upstream = free(faults=Script(Rule(Status(500))))
    events: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(IncompleteSeriesError, match="not requested") as caught:
            await client.fetch("2015-01-01", "2024-12-31", LINK)
        assert all(isinstance(error, ServerError) for error in caught.value.failures.values())
        assert len(caught.value.series.missing_days) == 3653

    simulate(upstream, main, on_event=events.append)
    assert upstream.counters.requests <= 30
    assert sum(isinstance(event, DayFailed) for event in events) <= 10


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_bad_key_spends_no_more_than_the_concurrency(concurrency: int) -> None:
    """A rejected key ends every call of the client at once and for good."""
    upstream = free()
    upstream_key, wrong = upstream.key, "wrong-" + KEY

    async def main(clock: VirtualClock) -> None:
        limits = Limits(concurrency=concurrency)
        client = Client(wrong, limits=limits, transport=upstream.transport(clock), clock=clock)
        async with client:
            calls = [client.fetch(START, END, LINK), client.fetch(START, END, Account())]
            days = [client.day(f"2024-04-{day:02}", LINK) for day in range(1, 31)]
            results = await asyncio.gather(*calls, *days, return_exceptions=True)
            assert {type(result) for result in results} == {AuthenticationError}
            with pytest.raises(AuthenticationError):
                await client.day("2024-05-01", LINK)

    run_virtual(main)
    assert upstream_key != wrong
    assert upstream.counters.requests <= concurrency


def test_what_was_fetched_before_a_fatal_error_is_kept() -> None:
    """A key that is revoked during a run loses nothing that was fetched before."""
    upstream = free(faults=Script(Rule(Status(401), number=range(11, 10_000))))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(AuthenticationError) as caught:
            await client.fetch(START, END, LINK, strict=False)
        assert caught.value.series is not None
        assert len(caught.value.series.missing_days) == 21

    simulate(upstream, main)
    assert upstream.counters.requests <= 14  # 10 days, 3 at a time, and the probe


def test_a_server_that_asks_for_too_long_is_not_waited_for() -> None:
    """A Retry-After of more than 15 minutes is raised to the caller at once."""
    upstream = free(faults=Script(Rule(retry_after("901"))))

    async def main(client: Client, clock: VirtualClock) -> None:
        began = clock.monotonic()
        with pytest.raises(RateLimitedError) as caught:
            await client.fetch(START, END, LINK)
        assert caught.value.retry_after == 901
        assert clock.monotonic() - began < SECOND

    simulate(upstream, main)
    assert upstream.counters.requests <= 3


def test_a_deadline_holds_through_429_answers() -> None:
    """A day whose deadline is before the end of a pause fails at once."""
    upstream = free(faults=Script(Rule(retry_after("30"), day=dt.date(2024, 3, 1))))

    async def main(client: Client, clock: VirtualClock) -> None:
        began = clock.monotonic()
        with pytest.raises(RateLimitedError, match="deadline") as caught:
            await client.day("2024-03-01", LINK)
        assert not caught.value.fatal
        assert clock.monotonic() - began < SECOND

    simulate(upstream, main, retry=RetryPolicy(deadline=5))


def test_a_deadline_holds_through_overload() -> None:
    """A backfill with a deadline waits for a dead server until the deadline only."""
    upstream = free(faults=Script(Rule(Status(500))))

    async def main(client: Client, clock: VirtualClock) -> None:
        began = clock.monotonic()
        with pytest.raises(IncompleteSeriesError):
            await client.fetch("2024-03-01", "2024-03-01", LINK, lane=Lane.BACKFILL)
        assert clock.monotonic() - began < 6 * SECOND

    simulate(upstream, main, retry=RetryPolicy(deadline=5, budget=1))


def test_a_day_that_alone_is_rate_limited_fails_alone() -> None:
    """A day that gets a 429 repeatedly, while others are answered, fails and does not end the run."""
    bad = dt.date(2024, 3, 5)
    upstream = free(faults=Script(Rule(Status(429), day=bad)))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(IncompleteSeriesError) as caught:
            await client.fetch("2024-03-01", "2024-12-31", LINK)
        assert list(caught.value.failures) == [bad]
        assert isinstance(caught.value.failures[bad], RateLimitedError)

    simulate(upstream, main, limits=Limits((Rate(9),)))
    assert upstream.counters.asked[LINK, bad] == 11


def test_one_attempt_is_one_also_under_overload() -> None:
    """With one attempt nothing is repeated, not even by a backfill with an empty budget."""
    upstream = free(faults=Script(Rule(Status(500))))

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(IncompleteSeriesError):
            await client.fetch("2024-03-01", "2024-03-01", LINK, lane=Lane.BACKFILL)

    simulate(upstream, main, retry=RetryPolicy(attempts=1, budget=0))
    assert upstream.counters.requests == 1
