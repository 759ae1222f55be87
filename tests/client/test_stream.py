"""Streams: in order, bounded, and without leftovers."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import ApiError, Client, DayClicks
from hourlyclicks.clock import SECOND
from hourlyclicks.simulator import Late, Rule, Script, Status, run_virtual
from tests.client.stories import END, KEY, LINK, START, UNLIMITED, EmptyAnswers, free, simulate
from tests.sizes import sized

if TYPE_CHECKING:
    from hourlyclicks.simulator import VirtualClock


def days_in_memory() -> int:
    """Count the days in memory, except those of other tests."""
    return sum(isinstance(thing, DayClicks) for thing in gc.get_objects())


@pytest.mark.usefixtures("own_garbage")
def test_a_century_streams_in_bounded_space() -> None:
    """Its days come in order, with few tasks and few days held; the first after one round trip."""

    async def main(clock: VirtualClock) -> None:
        transport = EmptyAnswers(clock)
        others = days_in_memory()
        most_tasks = most_days = 0
        first = expected = dt.date(sized(1995, 1920), 1, 1)
        async with Client(KEY, limits=UNLIMITED, transport=transport, clock=clock) as client:
            began = clock.monotonic()
            async with client.stream(first, "2019-12-31", LINK) as days:
                async for day in days:
                    assert day.date == expected
                    if day.date == first:
                        assert clock.monotonic() - began == pytest.approx(0.1 * SECOND, rel=0.01)
                    if day.date.day == day.date.month == 1 and day.date.year % 20 == 0:
                        most_tasks = max(most_tasks, len(asyncio.all_tasks()))
                        most_days = max(most_days, days_in_memory() - others)
                    expected += dt.timedelta(days=1)
        assert transport.requests == (expected - first).days == sized(9_131, 36_525)
        assert most_tasks <= UNLIMITED.concurrency + 5
        assert most_days <= 4 * (UNLIMITED.concurrency + 2) + 2

    run_virtual(main)


def test_a_slow_consumer_holds_the_workers_back() -> None:
    """While no days are taken from a stream, only a few are requested."""
    upstream = free()

    async def main(client: Client, clock: VirtualClock) -> None:
        async with client.stream(START, END, LINK) as days:
            await anext(days)
            await clock.sleep(3600)
            assert upstream.counters.requests <= 4 * (UNLIMITED.concurrency + 2) + 1
            rest = [day async for day in days]
        assert len(rest) == 30

    simulate(upstream, main)


def test_an_unordered_stream_yields_each_day_once() -> None:
    """Without order a late day delays no other, and every day comes once."""
    late = dt.date(2024, 3, 1)
    upstream = free(faults=Script(Rule(Late(20.0), day=late)))

    async def main(client: Client, _clock: VirtualClock) -> None:
        async with client.stream(START, END, LINK, ordered=False) as days:
            dates = [day.date async for day in days]
        assert dates[0] != late
        assert sorted(dates) == [dt.date(2024, 3, day) for day in range(1, 32)]

    simulate(upstream, main)


def test_a_failed_day_raises_in_its_place_in_a_stream() -> None:
    """A stream raises the error of a day in its place, and can be iterated further."""
    bad = dt.date(2024, 3, 3)
    upstream = free(faults=Script(Rule(Status(404, body=b'{"code": 9}'), day=bad)))

    async def main(client: Client, _clock: VirtualClock) -> None:
        async with client.stream(START, END, LINK) as days:
            assert [(await anext(days)).date.day, (await anext(days)).date.day] == [1, 2]
            with pytest.raises(ApiError) as caught:
                await anext(days)
            assert caught.value.day == bad
            assert [day.date.day async for day in days] == list(range(4, 32))

    simulate(upstream, main)


def test_two_may_read_one_stream() -> None:
    """Two tasks that read one stream get each day once between them, and both reach its end."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        async with client.stream(START, END, LINK) as days:

            async def read() -> list[dt.date]:
                return [day.date async for day in days]

            one, other = await asyncio.gather(read(), read())
        assert sorted(one + other) == [dt.date(2024, 3, day) for day in range(1, 32)]

    simulate(free(), main)


def test_leaving_a_stream_early_leaves_nothing_behind() -> None:
    """Leaving a stream ends its workers, and the client can be used further."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        before = asyncio.all_tasks()
        async with client.stream("2015-01-01", "2024-12-31", LINK) as days:
            async for _ in days:
                break
        assert asyncio.all_tasks() == before
        await client.day("2024-03-01", LINK)

    simulate(free(), main)
