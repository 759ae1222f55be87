"""Series for the tests of the report page, with the traffic of the simulator."""

from __future__ import annotations

import datetime as dt
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from hourlyclicks import Account, DateRange, DayClicks, Link
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.simulator.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Collection

    from hourlyclicks import HourlySeries, Target

FETCHED = dt.datetime(2026, 1, 1, 6, tzinfo=dt.UTC)
LINK = Link("kYdr", "https://vvd.bz")
HOSTILE = Link("</script><img src=x onerror=alert(1)>한글", "https://vvd.bz")
FORMULA = Link("=1+1", "https://vvd.bz")
MISSING = (*(f"2025-03-0{day}" for day in range(3, 9)), "2025-08-17")


def sample(
    first: str = "2025-01-01",
    last: str = "2025-12-31",
    target: Target = LINK,
    *,
    missing: Collection[str] = (),
    provisional: Collection[str] = (),
    seed: int = 7,
) -> HourlySeries:
    """Return the traffic of a target in some days."""
    days, traffic = DateRange.of(first, last), Traffic(seed)
    known: list[DayClicks] = []
    for date in days:
        clicks, users = zip(*traffic.day(target, date), strict=True)
        if str(date) not in missing:
            known.append(DayClicks(date, clicks, users, FETCHED, str(date) not in provisional))
    return merge_days(days, known, target=target)


def nothing(first: str, last: str, target: Target = LINK) -> HourlySeries:
    """Return a series of which no day was fetched."""
    return merge_days(DateRange.of(first, last), (), target=target)


@cache
def a_year() -> HourlySeries:
    """Return a year with gaps, bursts and a provisional day."""
    return sample(missing=MISSING, provisional=["2025-12-31"])


@cache
def ten_years() -> HourlySeries:
    """Return ten years with two months of which no day was fetched."""
    return sample("2016-01-01", missing=[str(day) for day in DateRange.of("2019-04-01", "2019-05-31")])


@cache
def busiest_link() -> HourlySeries:
    """Return a year of one of the busiest links of the simulator, with 50,000 clicks a day."""
    return sample(target=Link("l893", "https://vvd.bz"))


@cache
def busiest_account() -> HourlySeries:
    """Return a year of one of its busiest accounts, with 800,000 clicks a day."""
    return sample(target=Account(), seed=2488)


@cache
def every_second_day() -> HourlySeries:
    """Return a year of that account, of which every second day was not fetched."""
    days = DateRange.of("2025-01-01", "2025-12-31")
    return sample(target=Account(), seed=2488, missing=[str(day) for day in days][::2])


@cache
def absurd() -> HourlySeries:
    """Return a year of counts of all sizes up to the largest, in no order."""
    luck, days = Random(15), DateRange.of("2025-01-01", "2025-12-31")
    counts = [tuple(luck.getrandbits(luck.randrange(64)) for _ in range(24)) for _ in range(2 * len(days))]
    known = [
        DayClicks(date, counts[2 * place], counts[2 * place + 1], FETCHED, final=True)
        for place, date in enumerate(days)
    ]
    return merge_days(days, known, target=LINK)


def all_kinds() -> list[HourlySeries]:
    """Return a year, a single day of a target with a hostile name, a quiet link, and one without any day."""
    return [
        a_year(),
        sample("2025-11-01", "2025-11-01", HOSTILE),
        sample("2025-10-01", "2025-12-30", FORMULA, seed=2),
        nothing("2025-10-01", "2025-12-30", Link("none", "https://vvd.bz")),
    ]
