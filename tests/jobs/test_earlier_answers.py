"""What a store has of the other days of a target."""

from __future__ import annotations

import datetime as dt

import pytest

from hourlyclicks.errors import ApiError
from hourlyclicks.events import Dispatcher
from hourlyclicks.fetching.cache import DayCache
from hourlyclicks.jobs.earlier_answers import NO_ANSWERS, read_earlier_answers
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Link, Query
from hourlyclicks.simulator.clock import VirtualClock
from hourlyclicks.store.memory import MemoryStore

LINK = Link("spring-sale", "https://vvd.bz")
NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
FETCHED, LATER = NOW - dt.timedelta(hours=2), NOW + dt.timedelta(seconds=1)
DAYS = DateRange(dt.date(2023, 6, 1), dt.date(2025, 5, 1))
"""More days than one look into the ledger has."""


@pytest.mark.parametrize("newest_first", [False, True])
async def test_the_earlier_answers_for_a_target(*, newest_first: bool) -> None:
    """A day with figures as far from the beginning as there is one, and when an earlier call was answered."""
    cache = DayCache(
        MemoryStore(),
        owned=True,
        fingerprint=lambda _: "me",
        zone=dt.UTC,
        clock=VirtualClock(NOW),
        dispatch=Dispatcher(),
    )
    assert await read_earlier_answers(cache, LINK, DAYS, began=NOW, newest_first=newest_first) == NO_ANSWERS
    for date in (DAYS[1], DAYS[7], DAYS[-3]):
        await cache.put(
            Query(date, LINK), DayClicks(date, (7,) * 24, (7,) * 24, FETCHED, final=True), requests=1
        )
    failed = Query(DAYS[-1], LINK)
    no = ApiError("no such link", code=404, status=200)
    await cache.record_failure(failed, no, asked=FETCHED, requests=1, began=NOW)
    found = await read_earlier_answers(cache, LINK, DAYS, began=LATER, newest_first=newest_first)
    assert found.day == (DAYS[1] if newest_first else DAYS[-3])
    assert found.answered == FETCHED
    same = await read_earlier_answers(cache, LINK, DAYS, began=FETCHED, newest_first=newest_first)
    assert same.answered is None
    await cache.close()
