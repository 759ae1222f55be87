"""How a backfill ends, and that every day is accounted for."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.errors import HourlyClicksError, TransportError
from hourlyclicks.events import Progress
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.report import BackfillReport, StopReason
from hourlyclicks.pacing.plans import Limits
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import END, ONE, REJECTED, good, in_turn, play, status
from tests.jobs.backfilling import NOW, OTHER, TODAY, YESTERDAY, FakeApi, check, ended
from tests.sizes import examples
from tests.stores import store_at

if TYPE_CHECKING:
    from tests.fetching.stage import Outcome, Stage


@pytest.fixture
def api(tmp_path: Path) -> FakeApi:
    """Return a fake API with an empty store."""
    return FakeApi(store_at(tmp_path / "clicks.db"))


# -- how it ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 1, 7, 29, 30, 31])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_limit_of_requests_is_exact(api: FakeApi, most: int, concurrency: int) -> None:
    """As many requests are sent as allowed, and their results are stored."""
    stage = api.run(max_requests=most, options={"limits": Limits(concurrency=concurrency)})
    sent = min(most, 30)
    assert (len(stage.transport.asked), api.report.requests, api.report.done) == (sent, sent, sent)
    complete = api.report.remaining == 0
    assert api.report.stopped == (StopReason.COMPLETE if complete else StopReason.MAX_REQUESTS)
    api.run()
    assert (api.report.reused, api.report.done) == (sent, 30 - sent)


def test_retries_count_as_requests(api: FakeApi) -> None:
    """The limit counts requests, whatever their results."""
    stage = api.run(in_turn(*[status(500)] * 9), max_requests=10, options={"retry": RetryPolicy()})
    assert len(stage.transport.asked) == api.report.requests == 10
    assert 0 < api.report.retries < 10


@pytest.mark.parametrize(
    ("deadline", "done"),
    [
        (0, 0),
        (dt.timedelta(0), 0),
        (dt.timedelta(-5), 0),
        (NOW - dt.timedelta(days=1), 0),
        (2.5, 3),
        (dt.timedelta(seconds=2.5), 3),
        (NOW + dt.timedelta(seconds=2.5), 3),
        (3600, 30),
    ],
)
def test_the_deadline(api: FakeApi, deadline: float | dt.timedelta | dt.datetime, done: int) -> None:
    """At the deadline nothing more is sent, and requests in flight are still answered and stored."""
    stage = api.run(deadline=deadline, options={"limits": ONE})
    assert len(stage.transport.asked) == api.report.done == done
    assert api.report.stopped == (StopReason.COMPLETE if done == 30 else StopReason.DEADLINE)
    assert stage.now <= done + 0.1


def test_a_stop_before_the_beginning(api: FakeApi) -> None:
    """With the event set already, at most one request is sent."""

    async def story(stage: Stage) -> None:
        stop = asyncio.Event()
        stop.set()
        report = await stage.client.backfill(DAY, END, [LINK], stop=stop)
        check(report, 30)
        assert report.stopped == StopReason.STOPPED
        assert report.requests == len(stage.transport.asked) == 0

    play(story, store=api.store)


def test_a_stop_during_a_run(api: FakeApi) -> None:
    """Requests in flight are answered and stored; nothing else is sent."""

    async def stop_soon(stage: Stage, stop: asyncio.Event) -> None:
        await stage.clock.sleep(4.5)
        stop.set()

    stage = api.run(meanwhile=stop_soon)
    assert (api.report.stopped, api.report.done) == (StopReason.STOPPED, 15)
    assert stage.now == pytest.approx(5.0, abs=0.1)


def test_a_long_pause_ends_it(api: FakeApi) -> None:
    """If a server asks for more than 15 minutes, the run ends."""
    stage = api.run(in_turn(*map(good, [DAY] * 0), *[status(429, Retry_After="1000")] * 3))
    assert api.report.stopped == StopReason.RATE_LIMITED
    assert api.report.resume_at == stage.clock.wall() + dt.timedelta(seconds=1000)
    assert api.report.error is not None


def test_an_outage_of_hours_ends_it(api: FakeApi) -> None:
    """When everything fails for hours, the run ends, and the store knows what failed."""
    stage = api.run(lambda _day, _number: status(500), options={"retry": RetryPolicy()})
    assert api.report.stopped == StopReason.TROUBLE
    assert api.report.failed
    assert api.report.done == 0
    assert len(stage.transport.asked) == api.report.requests < 60


@pytest.mark.parametrize("error", [status(401), status(403), TransportError("no trust", kind="tls")])
def test_a_fatal_error(api: FakeApi, error: Outcome) -> None:
    """It is raised with the report, and what was fetched before is in the store."""

    async def story(stage: Stage) -> None:
        with pytest.raises(HourlyClicksError) as caught:
            await stage.client.backfill(DAY, END, [LINK])
        report = caught.value.report
        assert report is not None
        check(report, 30)
        assert (report.stopped, report.done) == (StopReason.ERROR, 6)
        assert report.error is caught.value

    play(story, lambda day, number: error if number >= 6 else good(day), store=api.store)
    api.run()
    assert (api.report.reused, api.report.done) == (6, 24)


def test_a_cancelled_run_keeps_what_it_has(api: FakeApi) -> None:
    """Whenever it is cancelled, requests in flight are stored, and no task is left after that."""
    for moment in (0.0, 0.5, 3.5):

        async def story(stage: Stage, moment: float = moment) -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(moment):
                    await stage.client.backfill(DAY, END, [LINK])
            sent = len(stage.transport.asked)
            await asyncio.sleep(1.01)
            assert len(asyncio.all_tasks()) == 1
            assert len(stage.transport.asked) == sent

        stage = play(story, start=api.start, store=api.store)
        api.start = stage.clock.wall() + dt.timedelta(minutes=2)
    api.run()
    assert (api.report.reused, api.report.done) == (15, 15)


def test_a_cancelled_run_reports_what_it_has(api: FakeApi) -> None:
    """The exception that cancels it carries the report."""

    async def story(stage: Stage) -> None:
        running = asyncio.create_task(stage.client.backfill(DAY, END, [LINK]))
        await stage.clock.sleep(3.5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await running
        report = getattr(caught.value, "report", None)
        assert isinstance(report, BackfillReport)
        assert (report.stopped, report.done, report.remaining) == (StopReason.STOPPED, 9, 21)

    play(story, store=api.store)


# -- whatever happens -------------------------------------------------------------------------------------

OUTCOMES: dict[str, Outcome] = {
    "fails": status(500),
    "rejected": REJECTED,
    "paused": status(429, Retry_After="5"),
    "long": status(429, Retry_After="901"),
    "broken": TransportError("gone", kind="disconnected"),
    "bad key": status(401),
}
SCRIPTS = st.lists(st.sampled_from([*OUTCOMES, *["good"] * 8]), max_size=30)
RUNS = st.fixed_dictionaries(
    {
        "script": SCRIPTS,
        "deadline": st.sampled_from([None, None, 0, 1.0, 4.5, 30.0]),
        "max_requests": st.sampled_from([None, None, 0, 1, 5, 9]),
        "stop_at": st.sampled_from([None, None, 0.0, 0.5, 3.0]),
        "order": st.sampled_from(["oldest", "newest"]),
        "refresh": st.booleans(),
        "retry_refused": st.booleans(),
    }
)


@settings(max_examples=examples(60))
@given(
    runs=st.lists(RUNS, min_size=1, max_size=3),
    concurrency=st.integers(1, 3),
    attempts=st.integers(1, 3),
    length=st.integers(1, 6),
    start=st.sampled_from([DAY, YESTERDAY - dt.timedelta(1)]),
)
def test_every_day_is_accounted_for(
    runs: list[dict[str, Any]], concurrency: int, attempts: int, length: int, start: dt.date
) -> None:
    """After any number of runs, ended in any way, each day is in one column, and no fetched day is lost."""
    days = DateRange(start, min(start + dt.timedelta(length - 1), TODAY))
    total = 2 * len(days)

    async def once(stage: Stage, run: dict[str, Any]) -> None:
        stop, before = asyncio.Event(), len(stage.transport.asked)
        script = [OUTCOMES.get(name) for name in run["script"]]
        stage.transport.answers = lambda day, number: (
            (script[number - before] if number - before < len(script) else None) or good(day)
        )
        if run["stop_at"] is not None:
            stage.clock.call_later(round(run["stop_at"] * 1e9), stop.set)
        asks = {name: run[name] for name in ("deadline", "max_requests", "order", "refresh", "retry_refused")}
        events = len(stage.events_of(Progress))
        report = await ended(stage.client.backfill(days.start, days.end, [LINK, OTHER], stop=stop, **asks))
        check(report, total)
        sent = len(stage.transport.asked) - before
        assert sent == report.requests <= (total * 99 if run["max_requests"] is None else run["max_requests"])
        for event in stage.events_of(Progress)[events:]:
            assert event.done + event.failed <= event.total == total
            assert 0 <= event.eta < 1e6

    async def story(stage: Stage) -> None:
        for run in runs:
            await once(stage, run)

    options: dict[str, Any] = {
        "limits": Limits(concurrency=concurrency),
        "retry": RetryPolicy(attempts=attempts),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clicks.db"
        stage = play(story, store=path, **options)
        last = FakeApi(path, stage.clock.wall() + dt.timedelta(minutes=2))
        last.run(days=days, targets=(LINK, OTHER), retry_refused=True)
        assert last.report.complete
        assert last.report.refused == 0
