"""When most requests fail, interactive calls fail soon, and backfills pause."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import IncompleteSeriesError, ServerError
from hourlyclicks.events import DayFailed, Paused, Resumed
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.pacing.queue import Lane
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import END, ONE, always, good, play, status

if TYPE_CHECKING:
    from tests.fetching.stage import Answers, Stage

BUDGET = 10
PATIENT = RetryPolicy(attempts=99, budget=BUDGET)
"""So many attempts that the budget is always spent first."""


def down_for(requests: int) -> Answers:
    """Fail so many requests, then answer."""
    return lambda day, number: status(500) if number < requests else good(day)


async def backfill(stage: Stage) -> None:
    """Fetch the range with the priority of a backfill."""
    series = await stage.client.fetch(DAY, END, LINK, lane=Lane.BACKFILL)
    assert series.total_clicks == 30 * 7


def gaps(stage: Stage) -> list[float]:
    """Return the seconds between the requests, those of a minute and more."""
    return [later - sooner for sooner, later in pairwise(stage.transport.times) if later - sooner >= 60]


@pytest.mark.parametrize("requests", [12, 13, 14])
def test_a_backfill_pauses_during_an_outage(requests: int) -> None:
    """With the budget spent it pauses, a minute and then doubling, sends one probe each, and completes."""
    stage = play(backfill, down_for(requests), limits=ONE, retry=PATIENT)
    pauses = [60.0 * 2**n for n in range(requests - BUDGET)]
    assert [pause.seconds for pause in stage.events_of(Paused)] == pauses
    assert gaps(stage) == [1.0 + pause for pause in pauses]
    assert stage.events_of(DayFailed) == []
    assert len(stage.events_of(Resumed)) == 1
    assert len(stage.transport.asked) == 30 + requests


def test_one_probe_is_sent_after_each_pause() -> None:
    """After each pause a single probe is sent, even with several slots."""
    stage = play(backfill, down_for(BUDGET + 6), retry=PATIENT)
    after_pauses = [
        sum(1 for at in stage.transport.times if start <= at < start + 1) for start in probes(stage)
    ]
    assert len(after_pauses) >= 2
    assert set(after_pauses) == {1}
    assert stage.events_of(DayFailed) == []


def probes(stage: Stage) -> list[float]:
    """Return when the first request after each long silence was sent."""
    return [later for sooner, later in pairwise(stage.transport.times) if later - sooner >= 60]


def test_a_backfill_does_not_wait_for_ever() -> None:
    """After ten pauses without an answer it ends, and returns what it has."""

    async def story(stage: Stage) -> None:
        with pytest.raises(IncompleteSeriesError, match="not requested, because"):
            await stage.client.fetch(DAY, END, LINK, lane=Lane.BACKFILL)

    stage = play(story, always(status(500)), limits=ONE)
    assert [pause.seconds for pause in stage.events_of(Paused)] == [60.0, 120.0, 240.0, 480.0, *[900.0] * 6]
    assert len(stage.transport.asked) < 40


def test_an_interactive_call_does_not_wait_for_the_breaker() -> None:
    """While the backfill pauses, a day is requested at once: it fails soon, or closes the breaker."""

    async def story(stage: Stage) -> None:
        running = asyncio.create_task(backfill(stage))
        while not stage.events_of(Paused):
            await stage.clock.sleep(1.0)
        before = stage.now
        stage.transport.answers = always(status(500))
        with pytest.raises(ServerError):
            await stage.client.day("2025-01-01", LINK)
        assert stage.now - before == 1.0
        stage.transport.answers = lambda day, _number: good(day)
        await stage.client.day("2025-01-01", LINK)
        assert len(stage.events_of(Resumed)) == 1
        await running
        assert stage.now - before < 60

    play(story, always(status(500)))


def test_a_failed_interactive_call_does_not_end_a_backfill() -> None:
    """A day that an interactive call took over, and that fails soon, is one failed day of the backfill."""

    async def story(stage: Stage) -> None:
        with pytest.raises(IncompleteSeriesError):
            await stage.client.fetch(DAY, END, LINK)
        stage.transport.answers = lambda day, _number: status(500) if day == DAY else good(day)
        asking = asyncio.create_task(stage.client.day(DAY, LINK))
        await asyncio.sleep(0)
        with pytest.raises(IncompleteSeriesError) as caught:
            await stage.client.fetch(DAY, END, LINK, lane=Lane.BACKFILL)
        assert caught.value.series.missing_days == (DAY,)
        with pytest.raises(ServerError):
            await asking

    play(story, always(status(500)))
