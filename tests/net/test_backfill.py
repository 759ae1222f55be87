"""What a backfill asks for, in which order, and how it ends."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.errors import HourlyClicksError, TransportError
from hourlyclicks.events import DayDone, DayRevised, Progress
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.report import BackfillReport, StopReason
from hourlyclicks.model.targets import Link
from hourlyclicks.net.retry import RetryPolicy
from hourlyclicks.pacing.plans import Limits
from tests.net.asking import DAY, LINK
from tests.net.stage import BAD_DAYS, END, ONE, good, in_turn, play, some_bad, status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.net.stage import Answers, Outcome, Stage

OTHER = Link("xyz", "https://vvd.bz")
MONTH = DateRange(DAY, END)
NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
TODAY, YESTERDAY = dt.date(2025, 6, 1), dt.date(2025, 5, 31)
ONCE = RetryPolicy(attempts=1)


@attrs.define
class Book:
    """Backfills of one store, one after the other, and what came of them."""

    path: Path
    start: dt.datetime = NOW
    reports: list[BackfillReport] = attrs.Factory(list)

    def run(
        self,
        answers: Answers = lambda day, _number: good(day),
        days: DateRange = MONTH,
        targets: tuple[Link, ...] = (LINK,),
        meanwhile: Callable[[Stage, asyncio.Event], Any] | None = None,
        options: dict[str, Any] | None = None,
        **asks: Any,  # noqa: ANN401 - arguments of a backfill
    ) -> Stage:
        """Run a backfill; something may happen meanwhile, and may stop it."""

        async def story(stage: Stage) -> None:
            stop = asyncio.Event()
            other = asyncio.ensure_future(meanwhile(stage, stop)) if meanwhile else None
            report = await stage.client.backfill(days.start, days.end, targets, stop=stop, **asks)
            self.reports.append(report)
            if other is not None:
                other.cancel()
            check(report, len(days) * len(targets))

        stage = play(story, answers, start=self.start, store=self.path, **({"retry": ONCE} | (options or {})))
        self.start = stage.clock.wall() + dt.timedelta(minutes=2)
        return stage

    @property
    def report(self) -> BackfillReport:
        """The last report."""
        return self.reports[-1]


def check(report: BackfillReport, total: int) -> None:
    """Hold a report to what must be true of all."""
    parts = (report.done, report.reused, report.failed, report.refused, report.remaining)
    assert report.total == total == sum(parts)
    assert min(parts) >= 0
    assert report.provisional <= report.done + report.reused
    assert report.retries <= report.requests
    unfinished = report.failed or report.remaining
    assert report.complete == (not unfinished)
    assert (report.resume_at is None) == (not unfinished and not report.provisional)
    assert report.resume_at is None or report.resume_at.tzinfo is not None


async def ended(backfill: Awaitable[BackfillReport]) -> BackfillReport:
    """Return the report of a backfill, or that in its error."""
    try:
        return await backfill
    except HourlyClicksError as error:
        if error.report is None:
            raise
        return error.report


def asked(stage: Stage) -> list[dt.date]:
    """Return the days that were asked for, in order."""
    return [question.day for question in stage.transport.asked]


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Make an empty store."""
    return Book(tmp_path / "clicks.db")


# -- what is asked for ------------------------------------------------------------------------------------


def test_all_is_asked_for_once_and_never_again(book: Book) -> None:
    """The first run fetches every day in order, the second one nothing."""
    assert asked(book.run(options={"limits": ONE})) == list(MONTH)
    assert (book.report.done, book.report.requests, book.report.stopped) == (30, 30, StopReason.COMPLETE)
    assert book.report.seconds == pytest.approx(30.0, abs=1.0)
    assert asked(book.run()) == []
    assert (book.report.reused, book.report.resume_at) == (30, None)


def test_the_newest_first_if_wished(book: Book) -> None:
    """The order of the days of each target can be turned round, over any number of pages."""
    days = DateRange(dt.date(2022, 1, 1), dt.date(2025, 5, 1))
    assert asked(book.run(days=days, options={"limits": ONE}, order="newest")) == list(days)[::-1]


def test_the_days_of_a_target_lie_together(book: Book) -> None:
    """Target after target, as they were given, each once."""
    days = DateRange(DAY, DAY + dt.timedelta(4))
    stage = book.run(days=days, targets=(OTHER, LINK, OTHER)[:2], options={"limits": ONE})
    done = [(event.target, event.day) for event in stage.told(DayDone)]
    assert done == [(target, day) for target in (OTHER, LINK) for day in days]


def test_what_failed_comes_first(book: Book) -> None:
    """The next run begins with the days that failed, of every target, and then does the rest."""
    days = DateRange(DAY, DAY + dt.timedelta(5))
    bad = {days[1], days[4]}
    book.run(
        lambda day, _: status(500) if day in bad else good(day),
        days=days,
        targets=(LINK, OTHER),
        max_requests=11,
        options={"limits": ONE},
    )
    assert (book.report.failed, book.report.remaining) == (4, 1)
    assert {query.day for query in book.report.failures} == bad
    stage = book.run(days=days, targets=(LINK, OTHER), options={"limits": ONE})
    done = [(event.target, event.day) for event in stage.told(DayDone)]
    assert (
        done
        == [(LINK, days[1]), (LINK, days[4]), (OTHER, days[1]), (OTHER, days[4]), (OTHER, days[5])][
            : len(done)
        ]
    )
    assert book.report.complete


def test_what_is_refused_is_left_alone(book: Book) -> None:
    """A day to which the API said no is asked for again only if that is wished for."""
    book.run(some_bad)
    assert (book.report.refused, book.report.failed, book.report.complete) == (2, 0, True)
    assert asked(book.run()) == []
    assert (book.report.refused, book.report.reused) == (2, 28)
    assert set(asked(book.run(retry_refused=True))) == BAD_DAYS
    assert (book.report.done, book.report.refused) == (2, 0)


@pytest.mark.parametrize("more", [{"retry_refused": True}, {"refresh": True}, {}])
@pytest.mark.parametrize("second", [404, 500, 200])
def test_what_failed_is_asked_for_once_a_run(book: Book, more: dict[str, Any], second: int) -> None:
    """Whatever becomes of the days that had failed before, the same run leaves it at that."""
    bad = set(list(MONTH)[:12])
    options = {"retry": RetryPolicy(attempts=1, budget=math.inf)}
    book.run(lambda day, _: status(500) if day in bad else good(day), options=options)
    assert book.report.failed == 12
    stage = book.run(
        lambda day, _: status(second) if day in bad and second != 200 else good(day), options=options, **more
    )
    assert [asked(stage).count(day) for day in sorted(bad)] == [1] * 12
    assert len(asked(stage)) == (30 if "refresh" in more else 12)


def test_refreshing_asks_for_all(book: Book) -> None:
    """Days that are known for good are asked for again, each once, and changes are told."""
    book.run()
    stage = book.run(lambda day, _: good(day, 8 if day == DAY else 7), refresh=True)
    assert sorted(asked(stage)) == list(MONTH)
    assert (book.report.done, book.report.revised) == (30, 1)
    assert stage.told(DayRevised) == [DayRevised(day=DAY, target=LINK, revision=2)]


def test_provisional_days_are_left_until_they_are_stale(book: Book) -> None:
    """A day that is not final is asked for again after an hour, or when it is final, and not before."""
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

    play(story, store=book.path)
    assert days[0] == YESTERDAY


def test_failed_days_that_become_provisional_count_once(book: Book) -> None:
    """The count of provisional days is one of days."""
    days, targets = DateRange(YESTERDAY, TODAY), (LINK, OTHER, Link("3", "https://vvd.bz"))
    book.run(lambda _day, _number: status(500), days, targets)
    assert book.report.failed == 6
    book.run(days=days, targets=targets, options={"limits": ONE})
    assert (book.report.done, book.report.provisional) == (6, 6)


def test_a_no_to_a_day_that_is_not_over_is_no_last_word(book: Book) -> None:
    """Such a day has failed, and is asked for again."""
    book.run(lambda _day, _number: status(404), days=DateRange(TODAY, TODAY))
    assert (book.report.refused, book.report.failed) == (0, 1)
    book.run(days=DateRange(TODAY, TODAY))
    assert book.report.done == 1


# -- how it ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 1, 7, 29, 30, 31])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_not_one_request_more(book: Book, most: int, concurrency: int) -> None:
    """As many requests are sent as allowed, and what they brought is kept."""
    stage = book.run(max_requests=most, options={"limits": Limits(concurrency=concurrency)})
    sent = min(most, 30)
    assert (len(stage.transport.asked), book.report.requests, book.report.done) == (sent, sent, sent)
    complete = book.report.remaining == 0
    assert book.report.stopped == (StopReason.COMPLETE if complete else StopReason.MAX_REQUESTS)
    book.run()
    assert (book.report.reused, book.report.done) == (sent, 30 - sent)


def test_retries_count_as_requests(book: Book) -> None:
    """The bound is one on requests, whatever comes of them."""
    stage = book.run(in_turn(*[status(500)] * 9), max_requests=10, options={"retry": RetryPolicy()})
    assert len(stage.transport.asked) == book.report.requests == 10
    assert 0 < book.report.retries < 10


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
def test_the_deadline(book: Book, deadline: float | dt.timedelta | dt.datetime, done: int) -> None:
    """At the deadline nothing more is sent, and what is under way is still answered and kept."""
    stage = book.run(deadline=deadline, options={"limits": ONE})
    assert len(stage.transport.asked) == book.report.done == done
    assert book.report.stopped == (StopReason.COMPLETE if done == 30 else StopReason.DEADLINE)
    assert stage.now <= done + 0.1


def test_a_stop_before_the_beginning(book: Book) -> None:
    """With the event set already, nothing or next to nothing is sent."""

    async def story(stage: Stage) -> None:
        stop = asyncio.Event()
        stop.set()
        report = await stage.client.backfill(DAY, END, [LINK], stop=stop)
        check(report, 30)
        assert report.stopped == StopReason.STOPPED
        assert report.requests == len(stage.transport.asked) == 0

    play(story, store=book.path)


def test_a_stop_on_the_way(book: Book) -> None:
    """What is under way is answered and kept; nothing else is sent."""

    async def stop_soon(stage: Stage, stop: asyncio.Event) -> None:
        await stage.clock.sleep(4.5)
        stop.set()

    stage = book.run(meanwhile=stop_soon)
    assert (book.report.stopped, book.report.done) == (StopReason.STOPPED, 15)
    assert stage.now == pytest.approx(5.0, abs=0.1)


def test_a_long_pause_ends_it(book: Book) -> None:
    """A server that asks for more than a quarter of an hour is left alone until then."""
    stage = book.run(in_turn(*map(good, [DAY] * 0), *[status(429, Retry_After="1000")] * 3))
    assert book.report.stopped == StopReason.RATE_LIMITED
    assert book.report.resume_at == stage.clock.wall() + dt.timedelta(seconds=1000)
    assert book.report.error is not None


def test_trouble_ends_it(book: Book) -> None:
    """When everything fails for hours, it is given up; the store knows what failed."""
    stage = book.run(lambda _day, _number: status(500), options={"retry": RetryPolicy()})
    assert book.report.stopped == StopReason.TROUBLE
    assert book.report.failed
    assert book.report.done == 0
    assert len(stage.transport.asked) == book.report.requests < 60


@pytest.mark.parametrize("error", [status(401), status(403), TransportError("no trust", kind="tls")])
def test_an_error_that_no_day_survives(book: Book, error: Outcome) -> None:
    """It is raised with the report, and what was fetched before is in the store."""

    async def story(stage: Stage) -> None:
        with pytest.raises(HourlyClicksError) as caught:
            await stage.client.backfill(DAY, END, [LINK])
        report = caught.value.report
        assert report is not None
        check(report, 30)
        assert (report.stopped, report.done) == (StopReason.ERROR, 6)
        assert report.error is caught.value

    play(story, lambda day, number: error if number >= 6 else good(day), store=book.path)
    book.run()
    assert (book.report.reused, book.report.done) == (6, 24)


def test_a_cancelled_run_keeps_what_it_has(book: Book) -> None:
    """Whenever it is cancelled, no day that was answered is asked for again, and no task is left."""
    for moment in (0.0, 0.5, 3.5):

        async def story(stage: Stage, moment: float = moment) -> None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(moment):
                    await stage.client.backfill(DAY, END, [LINK])
            await asyncio.sleep(0.01)
            assert len(asyncio.all_tasks()) == 1

        stage = play(story, start=book.start, store=book.path)
        book.start = stage.clock.wall() + dt.timedelta(minutes=2)
    book.run()
    assert (book.report.reused, book.report.done) == (9, 21)


# -- whatever happens -------------------------------------------------------------------------------------

OUTCOMES: dict[str, Outcome] = {
    "fails": status(500),
    "refused": status(404),
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


@settings(max_examples=60)
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
    """Over any runs with any ends, each day is in one column of the report, and none is fetched in vain."""
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
        events = len(stage.told(Progress))
        report = await ended(stage.client.backfill(days.start, days.end, [LINK, OTHER], stop=stop, **asks))
        check(report, total)
        sent = len(stage.transport.asked) - before
        assert sent == report.requests <= (total * 99 if run["max_requests"] is None else run["max_requests"])
        for told in stage.told(Progress)[events:]:
            assert told.done + told.failed <= told.total == total
            assert 0 <= told.eta < 1e6

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
        last = Book(path, stage.clock.wall() + dt.timedelta(minutes=2))
        last.run(days=days, targets=(LINK, OTHER), retry_refused=True)
        assert last.report.complete
        assert last.report.refused == 0
