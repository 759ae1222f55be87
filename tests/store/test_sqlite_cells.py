"""The cells of a SQLite file: moments as texts that compare in the right way, and what a day takes."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hourlyclicks import Client, DayClicks, Link
from hourlyclicks.clock import SystemClock
from hourlyclicks.simulator import Simulator
from hourlyclicks.store.sqlite import SqliteStore
from hourlyclicks.store.sqlite_cells import first_text, last_text, moment_of, text_of
from tests.model.strategies import FIRST, NOON
from tests.sizes import examples, sized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

LINKS = [Link(f"link{number}", "https://vvd.bz") for number in range(8)]
DAYS = 365
MOST, MOST_BACKWARDS = 12.0, 19.5
"""Bytes an hour, and where SQLite leaves its pages half empty."""


def moments() -> SearchStrategy[dt.datetime]:
    """Moments within a few hundredths of a second, so that neighbours are frequent."""
    return st.integers(0, 40_000).map(lambda number: NOON + dt.timedelta(microseconds=number))


@given(moments(), moments())
@example(NOON, NOON + dt.timedelta(microseconds=1))
@example(NOON + dt.timedelta(microseconds=9_999), NOON + dt.timedelta(microseconds=10_000))
@settings(max_examples=examples(300))
def test_texts_of_moments_are_told_apart_by_their_limits(moment: dt.datetime, other: dt.datetime) -> None:
    """A later moment is after the one limit, and an earlier one before the other, whatever their digits."""
    assert moment_of(text_of(moment)) == moment
    assert other <= moment or text_of(other) > last_text(moment)
    assert other >= moment or text_of(other) < first_text(moment)


def test_every_moment_is_before_the_end_of_time() -> None:
    """There is no hundredth after it."""
    end = dt.datetime.max.replace(tzinfo=dt.UTC)
    assert text_of(end) < first_text(end)


async def test_a_day_is_stamped_in_hundredths_of_a_second(path: Path) -> None:
    """The machine's clock says no more, and the text of a moment is shorter by it."""
    upstream = Simulator(limits=())
    store = SqliteStore(path)
    async with Client(
        upstream.key, transport=upstream.transport(SystemClock()), base_url="http://localhost", store=store
    ) as client:
        day = await client.day(FIRST, LINKS[0])
        rows = await store._run(lambda file: file._db.execute("SELECT fetched_at FROM days").fetchall())
    await store.close()
    [[text]] = rows
    assert (len(text), moment_of(text)) == (len("2025-04-21T03:00:00.00Z"), day.fetched_at)


def days() -> Iterator[DayClicks]:
    """A year of a link with about 220 clicks an hour, as a client stores it."""
    for number in range(DAYS):
        clicks = tuple(110 + (number * 31 + hour * 53) % 221 for hour in range(24))
        users = tuple(count * 4 // 5 for count in clicks)
        yield DayClicks(FIRST + dt.timedelta(days=number), clicks, users, NOON, final=True)


@pytest.mark.parametrize("order", ["target by target", "day by day", *sized([], ["newest day first"])])
async def test_an_hour_takes_at_most_twelve_bytes_in_a_file(path: Path, order: str) -> None:
    """As the file has grown, without VACUUM; more only if the days come from the newest one back."""
    store = SqliteStore(path)
    account = await store.account("me")
    before = await _size(store)
    if order == "target by target":
        for link in LINKS:
            await store.put_days(account, link, list(days()), requests=DAYS)
    else:
        for day in days() if order == "day by day" else reversed(list(days())):
            await asyncio.gather(*(store.put(account, link, day, requests=1) for link in LINKS))
    size = await _size(store) - before
    await store.close()
    assert size / (len(LINKS) * DAYS * 24) <= (MOST_BACKWARDS if order == "newest day first" else MOST)


async def _size(store: SqliteStore) -> int:
    """Return the bytes of all pages, with those that are in the log only."""
    [[pages]] = await store._run(lambda file: file._db.execute("PRAGMA page_count").fetchall())
    [[size]] = await store._run(lambda file: file._db.execute("PRAGMA page_size").fetchall())
    return int(pages * size)
