"""Backfills and other calls with a store that fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import HourlyClicksError, StoreError
from hourlyclicks.model.report import StopReason
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import END, FREE, ONE, REJECTED, FailingStore, good, others, play
from tests.jobs.backfilling import MONTH_OF_IT
from tests.sizes import sample

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from hourlyclicks.model.http import Response
    from tests.fetching.stage import Stage

# -- a store that fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", sample(range(60), 6))
def test_a_store_that_fails(path: Path, number: int) -> None:
    """Whichever of its calls fails, the error is raised, no task waits forever, and little is lost."""
    answered: set[dt.date] = set()

    def record(day: dt.date, _number: int) -> Response:
        answered.add(day)
        return good(day)

    async def story(stage: Stage) -> None:
        store.with_clock(stage.clock)
        store.fails = lambda _name, call: call >= number
        with pytest.raises(StoreError, match="the disk is full") as caught:
            await stage.client.backfill(*MONTH_OF_IT)
        report = caught.value.report
        assert report is not None
        assert report.stopped == StopReason.ERROR
        await store.settled()
        assert await others() == 1
        unsaved = {day.date for day in caught.value.unsaved}
        store.fails = lambda _name, _call: False
        fetched, before = set(answered), len(stage.transport.asked)
        await stage.client.fetch(DAY, END, LINK)
        again = {question.day for question in stage.transport.asked[before:]} & fetched
        assert unsaved <= again
        assert len(again) <= FREE.concurrency

    store = FailingStore(path)
    play(story, record, store=store)


def test_a_target_with_nothing_due_costs_one_query(path: Path) -> None:
    """Its days are counted, and not read."""

    async def story(stage: Stage) -> None:
        store.with_clock(stage.clock)
        await stage.client.backfill(*MONTH_OF_IT)
        store.calls.clear()
        report = await stage.client.backfill(*MONTH_OF_IT)
        assert (report.complete, report.requests, report.reused) == (True, 0, report.total)
        assert store.calls.count("summarize") == 1
        assert "entries" not in store.calls

    store = FailingStore(path)
    play(story, lambda day, _number: good(day), store=store)


@pytest.mark.parametrize(
    "name", ["put", "pace", "read", "entries", "count_by_state", "summarize", "targets", "account", "open"]
)
def test_a_call_that_always_fails(path: Path, name: str) -> None:
    """Every waiting task of every kind gets the error."""

    async def story(stage: Stage) -> None:
        store.with_clock(stage.clock)
        store.fails = lambda called, _number: called == name
        calls = [
            stage.client.backfill(*MONTH_OF_IT),
            stage.client.fetch(DAY, END, LINK),
            stage.client.day(DAY, LINK),
            stage.client.day(END, LINK),
        ]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        for outcome in outcomes:
            assert not isinstance(outcome, BaseException) or isinstance(outcome, HourlyClicksError)
        assert any(isinstance(outcome, StoreError) for outcome in outcomes)

    store = FailingStore(path)
    play(story, store=store)


async def by_day(stage: Stage) -> None:
    """Fetch days one by one."""
    for day in ("2025-01-01", "2025-01-02", "2025-01-03"):
        await stage.client.day(day, LINK)


async def by_fetch(stage: Stage) -> None:
    """Fetch a range."""
    await stage.client.fetch(DAY, END, LINK)


async def by_stream(stage: Stage) -> None:
    """Stream a range."""
    async with stage.client.stream(DAY, END, LINK) as days:
        async for _ in days:
            pass


STORIES = {"day": by_day, "fetch": by_fetch, "stream": by_stream}


@pytest.mark.parametrize("story_of", STORIES)
def test_an_answer_that_cannot_be_stored(path: Path, story_of: str) -> None:
    """The error carries it."""

    async def story(stage: Stage) -> None:
        store.with_clock(stage.clock)
        store.fails = lambda called, _number: called == "put" and len(stage.transport.asked) > 2
        with pytest.raises(StoreError) as caught:
            await STORIES[story_of](stage)
        assert [day.date for day in caught.value.unsaved] == [caught.value.day]
        if story_of == "fetch":
            series = caught.value.series
            assert series is not None
            assert len(series.missing_days) == 27

    store = FailingStore(path)
    play(story, store=store, limits=ONE)


def test_a_failure_that_cannot_be_recorded(path: Path) -> None:
    """When a day fails and the store too, the error of the store is raised."""

    async def story(stage: Stage) -> None:
        store.with_clock(stage.clock)
        store.fails = lambda called, _number: called == "record_failure"
        with pytest.raises(StoreError):
            await stage.client.backfill(*MONTH_OF_IT)

    store = FailingStore(path)
    play(story, lambda _day, _number: REJECTED, store=store)
