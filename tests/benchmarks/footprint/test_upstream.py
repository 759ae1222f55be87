"""The upstream that answers at once, and what clients make of its answers."""

from __future__ import annotations

import json

import pytest

from benchmarks.footprint.naive import as_arrays, as_dicts
from benchmarks.footprint.upstream import CENTURY, CLICKS_A_DAY, Instant, client, days, link


def test_a_hundred_years_are_over() -> None:
    """The days are whole years of the past, which any client may ask for."""
    century = days(CENTURY)
    assert (century.start.isoformat(), century.end.isoformat()) == ("1926-01-01", "2025-12-31")


async def test_an_answer_is_about_its_day() -> None:
    """Every row names the day that was asked for, and all hours are there."""
    document = json.loads(await Instant().get("2014-02-03"))
    assert [row["hour"] for row in document["result"]] == list(range(24))
    assert {row["ymd"] for row in document["result"]} == {"2014-02-03"}
    assert sum(row["acesCnt"] for row in document["result"]) == CLICKS_A_DAY


async def test_it_is_looked_at_on_some_requests() -> None:
    """The look happens on the first request and then on each of so many."""
    seen: list[int] = []
    upstream = Instant(lambda: seen.append(upstream.asked), every=3)
    for _ in range(8):
        await upstream.get("2014-02-03")
    assert seen == [0, 3, 6]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_all_collect_the_same(concurrency: int) -> None:
    """The client and both loops by hand hold the same figures in the end."""
    range_ = days(5)
    async with client(Instant(), concurrency) as asking:
        series = await asking.fetch(range_.start, range_.end, link())
    rows = await as_dicts(Instant(), range_, concurrency)
    clicks, users = await as_arrays(Instant(), range_, concurrency)
    assert [hour.clicks for hour in series] == [row["acesCnt"] for row in rows] == list(clicks)
    assert [hour.unique_users for hour in series] == [row["pernCnt"] for row in rows] == list(users)
    assert sum(clicks) == 5 * CLICKS_A_DAY
