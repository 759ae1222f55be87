"""Which days a backfill requests, and in which order."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.events import DayDone, DayRevised
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.jobs import planner
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.report import StopReason
from hourlyclicks.model.targets import Link
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import BAD_DAYS, ONE, REJECTED, good, play, some_bad, status
from tests.jobs.backfilling import MONTH, NOW, OTHER, TODAY, YESTERDAY, FakeApi, asked, check
from tests.stores import store_at

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fetching.stage import Stage


@pytest.fixture
def api(tmp_path: Path) -> FakeApi:
    """Return a fake API with an empty store."""
    return FakeApi(store_at(tmp_path / "clicks.db"))


# -- what is asked for ------------------------------------------------------------------------------------


def test_each_day_is_requested_once(api: FakeApi) -> None:
    """The first run fetches every day in order, the second one nothing."""
    assert asked(api.run(options={"limits": ONE})) == list(MONTH)
    assert (api.report.done, api.report.requests, api.report.stopped) == (30, 30, StopReason.COMPLETE)
    assert api.report.seconds == pytest.approx(30.0, abs=1.0)
    assert asked(api.run()) == []
    assert (api.report.reused, api.report.resume_at) == (30, None)


def test_the_newest_first(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of the days of each target can be reversed, over any number of pages."""
    monkeypatch.setattr(planner, "ENTRIES", 8)
    days = DateRange(dt.date(2025, 4, 1), dt.date(2025, 5, 1))
    assert asked(api.run(days=days, options={"limits": ONE}, order="newest")) == list(days)[::-1]


def test_the_days_of_a_target_lie_together(api: FakeApi) -> None:
    """The targets are fetched one after the other, in the given order, each once."""
    days = DateRange(DAY, DAY + dt.timedelta(4))
    stage = api.run(days=days, targets=(OTHER, LINK, OTHER)[:2], options={"limits": ONE})
    done = [(event.target, event.day) for event in stage.events_of(DayDone)]
    assert done == [(target, day) for target in (OTHER, LINK) for day in days]


def test_what_failed_comes_first(api: FakeApi) -> None:
    """The next run begins with the days that failed, of every target, and then fetches the others."""
    days = DateRange(DAY, DAY + dt.timedelta(5))
    bad = {days[1], days[4]}
    api.run(
        lambda day, _: status(500) if day in bad else good(day),
        days=days,
        targets=(LINK, OTHER),
        max_requests=11,
        options={"limits": ONE},
    )
    assert (api.report.failed, api.report.remaining) == (4, 1)
    assert {query.day for query in api.report.failures} == bad
    stage = api.run(days=days, targets=(LINK, OTHER), options={"limits": ONE})
    done = [(event.target, event.day) for event in stage.events_of(DayDone)]
    assert (
        done
        == [(LINK, days[1]), (LINK, days[4]), (OTHER, days[1]), (OTHER, days[4]), (OTHER, days[5])][
            : len(done)
        ]
    )
    assert api.report.complete


def test_a_rejected_day_is_not_requested_again(api: FakeApi) -> None:
    """A rejected day is requested again only with `retry_refused`."""
    api.run(some_bad)
    assert (api.report.refused, api.report.failed, api.report.complete) == (2, 0, True)
    assert asked(api.run()) == []
    assert (api.report.refused, api.report.reused) == (2, 28)
    assert set(asked(api.run(retry_refused=True))) == BAD_DAYS
    assert (api.report.done, api.report.refused) == (2, 0)


@pytest.mark.parametrize("more", [{"retry_refused": True}, {"refresh": True}, {}])
@pytest.mark.parametrize("second", [404, 500, 200])
def test_a_failed_day_is_requested_once_a_run(api: FakeApi, more: dict[str, Any], second: int) -> None:
    """A day that failed before and fails again is not requested a third time in the same run."""
    bad = set(list(MONTH)[:12])
    options = {"retry": RetryPolicy(attempts=1, budget=math.inf)}
    api.run(lambda day, _: status(500) if day in bad else good(day), options=options)
    assert api.report.failed == 12
    stage = api.run(
        lambda day, _: status(second, REJECTED.body) if day in bad and second != 200 else good(day),
        options=options,
        **more,
    )
    again = 1 if second == 404 else 0  # a rejection is final when it comes once more
    assert sum(asked(stage).count(day) for day in bad) <= 12 + again
    assert 0 <= len(asked(stage)) - (30 if "refresh" in more else 12) <= again


def test_refreshing_requests_all_days(api: FakeApi) -> None:
    """Final days are requested again, each once, and changes are reported."""
    api.run()
    stage = api.run(lambda day, _: good(day, 8 if day == DAY else 7), refresh=True)
    assert sorted(asked(stage)) == list(MONTH)
    assert (api.report.done, api.report.revised) == (30, 1)
    assert stage.events_of(DayRevised) == [DayRevised(day=DAY, target=LINK, revision=2)]


def test_provisional_days_are_left_until_they_are_stale(api: FakeApi) -> None:
    """A day that is not final is requested again after an hour, or when it is final, and not before."""
    days = DateRange(YESTERDAY, TODAY)

    async def later(stage: Stage, _: asyncio.Event) -> None:
        for seconds, fresh in ((600, 0), (3600, 2)):
            await stage.clock.sleep(seconds)
            before = len(stage.transport.asked)
            report = await stage.client.backfill(YESTERDAY, TODAY, [LINK])
            check(report, 2)
            assert len(stage.transport.asked) - before == fresh
            assert (report.done, report.reused) == (fresh, 2 - fresh)
            assert report.provisional == (2 if seconds == 600 else 1)

    async def story(stage: Stage) -> None:
        first = await stage.client.backfill(YESTERDAY, TODAY, [LINK])
        assert (first.done, first.provisional) == (2, 2)
        assert first.resume_at is not None
        assert first.resume_at - NOW == dt.timedelta(hours=1)
        await later(stage, asyncio.Event())

    play(story, store=api.store)
    assert days[0] == YESTERDAY


def test_failed_days_that_become_provisional_count_once(api: FakeApi) -> None:
    """A day counts once in the number of provisional days."""
    days, targets = DateRange(YESTERDAY, TODAY), (LINK, OTHER, Link("3", "https://vvd.bz"))
    api.run(lambda _day, _number: status(500), days, targets)
    assert api.report.failed == 6
    api.run(days=days, targets=targets, options={"limits": ONE})
    assert (api.report.done, api.report.provisional) == (6, 6)


def test_the_rejection_of_a_day_that_is_not_over_is_not_final(api: FakeApi) -> None:
    """Such a day has failed, and is requested again."""
    api.run(lambda _day, _number: REJECTED, days=DateRange(TODAY, TODAY))
    assert (api.report.refused, api.report.failed) == (0, 1)
    api.run(days=DateRange(TODAY, TODAY))
    assert api.report.done == 1
