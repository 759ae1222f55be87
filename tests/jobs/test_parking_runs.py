"""A wrong link costs few requests and is reported, and an outage makes no rejection final."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import ApiError, AuthenticationError, HourlyClicksError
from hourlyclicks.events import Paused, TargetParked
from hourlyclicks.fetching.cache import DayCache
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.jobs.parking import Parking
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.report import StopReason
from hourlyclicks.model.targets import Link
from hourlyclicks.pacing.plans import Limits, Rate
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import END, FREE, ONE, good, play, read, status
from tests.jobs.backfilling import MONTH, ONCE, OTHER, FakeApi, asked
from tests.sizes import sized
from tests.stores import store_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks.model.http import Response
    from hourlyclicks.model.targets import Query
    from tests.fetching.stage import Stage

GOOD = Link("good", "https://vvd.bz")


def rejection(code: int = 7, message: str = "no such link") -> Response:
    """Return a rejection by the API."""
    return status(200, json.dumps({"code": code, "message": message}).encode())


@pytest.fixture
def api(tmp_path: Path) -> FakeApi:
    """Return a fake API with an empty store."""
    return FakeApi(store_at(tmp_path / "clicks.db"))


@pytest.mark.parametrize("limits", sized([FREE], [ONE, FREE]))
def test_a_wrong_link_costs_six_requests(api: FakeApi, limits: Limits) -> None:
    """Five days and the other end are requested, then the target is parked, named, and counted as failed."""
    stage = api.run(lambda day, _: rejection(message=f"none on {day}"), options={"limits": limits})
    assert len(asked(stage)) <= 6 + limits.concurrency - 1
    assert END in asked(stage)
    report = api.report
    assert (report.failed, report.refused, report.complete) == (30, 0, False)
    assert set(report.parked) == {LINK}
    (event,) = stage.events_of(TargetParked)
    assert isinstance(event.error, ApiError)
    assert (event.target, event.error.code) == (LINK, 7)


def rows(day: dt.date, **row: object) -> Response:
    """Return an answer with one row, in which something is wrong."""
    row = {"ymd": day.isoformat(), "hour": day.day % 24, **row}
    return status(200, json.dumps({"code": 0, "message": "", "result": [row]}).encode())


BROKEN: dict[str, Callable[[dt.date], Response]] = {
    "501": lambda _: status(501),
    "505": lambda _: status(505, b"<html>"),
    "a renamed field": lambda day: rows(day, clicks=day.toordinal()),
    "a count below zero": lambda day: rows(day, acesCnt=-day.day, pernCnt=1),
    "too deep": lambda _: status(200, b"[" * 200_000),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_no_retry_changes_is_not_requested_for_each_day(api: FakeApi, kind: str) -> None:
    """Five such days and the other end are requested, then the target is parked; the next run gets all."""
    stage = api.run(lambda day, _: BROKEN[kind](day), options={"limits": ONE})
    assert len(asked(stage)) == 6
    assert (api.report.failed, api.report.refused, set(api.report.parked)) == (30, 0, {LINK})
    api.run(options={"limits": ONE})
    assert (api.report.complete, api.report.failed) == (True, 0)


def test_some_days_that_no_retry_changes(api: FakeApi) -> None:
    """They are requested in each run, and park nothing: another day is answered."""

    def answers(day: dt.date, _: int) -> Response:
        return rows(day, acesCnt=-1, pernCnt=1) if day < DAY + dt.timedelta(9) else good(day)

    stage = api.run(answers, options={"limits": ONE})
    assert (api.report.done, api.report.failed, api.report.refused) == (21, 9, 0)
    assert len(asked(stage)) == 30
    assert not api.report.parked


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize(("wrong", "right"), [(4, 4), sized((8, 6), (10, 20))])
def test_wrong_links_that_come_first(api: FakeApi, order: str, wrong: int, right: int) -> None:
    """Each is parked, and all others are fetched, in the first run."""
    first = [Link(f"wrong{number}", "https://vvd.bz") for number in range(wrong)]
    targets = (*first, *(Link(f"right{number}", "https://vvd.bz") for number in range(right)))
    stages: list[Stage] = []

    async def see(stage: Stage, _: asyncio.Event) -> None:
        stages.append(stage)

    def answers(day: dt.date, _: int) -> Response:
        return rejection() if stages[-1].transport.asked[-1].target.startswith("wrong") else good(day)

    options = {"limits": ONE}
    api.run(answers, targets=targets, meanwhile=see, options=options, order=order)
    assert (api.report.stopped, api.report.done) == (StopReason.COMPLETE, 30 * right)
    assert set(api.report.parked) == set(first)


def test_wrong_links_at_both_ends(api: FakeApi) -> None:
    """In each run another target shows whether the API answers, so a later run fetches the others."""
    names = ["wrong1", "wrong2", "wrong3", "right1", "right2", "wrong4", "wrong5"]
    targets = tuple(Link(name, "https://vvd.bz") for name in names)
    stages: list[Stage] = []

    async def see(stage: Stage, _: asyncio.Event) -> None:
        stages.append(stage)

    def answers(day: dt.date, _: int) -> Response:
        return rejection() if stages[-1].transport.asked[-1].target.startswith("wrong") else good(day)

    for _ in range(3):
        api.run(answers, targets=targets, meanwhile=see, options={"limits": ONE})
    assert api.report.done + api.report.reused == 60
    assert len(api.report.parked) == 5


def test_an_outage_that_no_retry_ends(api: FakeApi) -> None:
    """It ends a run of many targets."""
    targets = tuple(Link(f"l{number}", "https://vvd.bz") for number in range(20))
    stage = api.run(lambda *_: status(501), targets=targets, options={"limits": ONE})
    assert len(asked(stage)) < 20
    assert api.report.stopped is StopReason.TROUBLE


def delay(monkeypatch: pytest.MonkeyPatch, method: str, day: dt.date, until: str) -> None:
    """Let the store take a day only when a method of the circuit breakers was called."""
    record, called, begun = getattr(DayCache, method), getattr(Parking, until), asyncio.Event()

    async def recorded(self: DayCache, query: Query, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        if query.day == day:
            await begun.wait()
        return await record(self, query, *given, **named)

    def calling(self: Parking, *given: Any) -> Any:  # noqa: ANN401 - passed on
        begun.set()
        return called(self, *given)

    monkeypatch.setattr(DayCache, method, recorded)
    monkeypatch.setattr(Parking, until, calling)


def test_a_check_is_a_request_of_its_own(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the day at the other end was rejected just before, and that is still being recorded."""
    six = DateRange(DAY, DAY + dt.timedelta(5))
    delay(monkeypatch, "record_failure", six.end, until="begin_check")
    api.run(lambda *_: rejection(), days=six, options={"limits": Limits(concurrency=2)})
    assert (set(api.report.parked), api.report.failed, api.report.requests) == ({LINK}, 6, 7)


def test_a_witness_is_a_request_of_its_own(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it was answered just before, and that is still being recorded: there is no outage then."""
    targets = (GOOD, *(Link(f"gone{number}", "https://vvd.bz") for number in range(12)))
    delay(monkeypatch, "put", DAY, until="witness")
    api.run(
        lambda day, number: good(day) if number == 0 or number > 12 else rejection(),
        days=DateRange(DAY, DAY),
        targets=targets,
        options={"limits": Limits(concurrency=2)},
    )
    assert (api.report.stopped, api.report.done) == (StopReason.COMPLETE, 1)


@pytest.mark.parametrize("limits", sized([FREE], [ONE, FREE]))
def test_a_fetch_of_a_wrong_link_raises_the_rejection(limits: Limits) -> None:
    """The error is the API's own, carries what was fetched, and comes after few requests."""

    async def story(stage: Stage) -> None:
        with pytest.raises(ApiError) as caught:
            await stage.client.fetch(DAY, END, LINK)
        assert caught.value.code == 7
        assert caught.value.series is not None
        assert len(stage.transport.asked) <= 6 + limits.concurrency - 1
        async with stage.client.stream(DAY, END, LINK) as days:
            outcomes = [outcome async for outcome in read(days)]
        assert [getattr(outcome, "fatal", None) for outcome in outcomes][-1] is True
        assert len(stage.transport.asked) <= 2 * (6 + limits.concurrency - 1)

    play(story, lambda _day, _number: rejection(), limits=limits)


def test_the_other_targets_continue(api: FakeApi) -> None:
    """A parked target prevents no other from being fetched."""
    days = DateRange(DAY, DAY + dt.timedelta(9))
    stage = api.run(
        lambda day, number: rejection() if number < 6 or number >= 16 else good(day),
        days=days,
        targets=(LINK, GOOD),
        options={"limits": ONE},
    )
    assert (api.report.done, api.report.failed) == (10, 10)
    assert list(api.report.parked) == [LINK]
    assert len(asked(stage)) == 6 + 10 + 1  # the last one is the probe at the end


def test_a_probe_at_the_end_releases_a_parked_target(api: FakeApi) -> None:
    """When the target is answered again, all of its days are fetched in the same run."""
    days = DateRange(DAY, DAY + dt.timedelta(9))
    stage = api.run(
        lambda day, number: rejection() if number < 6 else good(day),
        days=days,
        targets=(LINK, GOOD),
        options={"limits": ONE},
    )
    assert (api.report.done, api.report.complete, dict(api.report.parked)) == (20, True, {})
    assert len(asked(stage)) == 6 + 20


def test_two_targets_with_the_same_rejection_end_the_run(api: FakeApi) -> None:
    """The cause is not the targets: nothing is rejected for good, and the next run requests all days."""
    targets = (LINK, OTHER, GOOD)
    stage = api.run(
        lambda _day, _number: rejection(900, "maintenance"), targets=targets, options={"limits": ONE}
    )
    assert api.report.stopped is StopReason.TROUBLE
    assert api.report.resume_at is not None
    assert (api.report.refused, api.report.done) == (0, 0)
    assert len(asked(stage)) <= 12 + 2  # a day of the third target is the witness, another is under way
    api.run(targets=targets)
    assert (api.report.done, api.report.complete) == (90, True)


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("gap", [3, 12])
def test_days_older_than_the_data_of_the_api(api: FakeApi, order: str, gap: int) -> None:
    """They do not park their target, and are recorded as rejected after two runs at most."""
    old = set(list(MONTH)[:gap])

    def answers(day: dt.date, _number: int) -> Response:
        return rejection(404, "no data") if day in old else good(day)

    first = api.run(answers, options={"limits": ONE}, order=order)
    assert api.report.done == 30 - gap
    assert not api.report.parked
    assert len(asked(first)) <= 30 + 4
    second = api.run(answers, options={"limits": ONE}, order=order)
    assert (api.report.refused, api.report.complete) == (gap, True)
    assert len(asked(second)) <= gap + 4
    assert asked(api.run(answers)) == []


def test_a_rejection_in_an_outage_is_not_final(api: FakeApi) -> None:
    """Days rejected for some seconds between good answers are fetched by the next run at the latest."""
    api.run(lambda day, number: rejection(900, "busy") if 10 <= number < 14 else good(day))
    assert api.report.refused == 0
    api.run()
    assert (api.report.complete, api.report.reused + api.report.done) == (True, 30)


def test_maintenance_after_good_answers_parks(api: FakeApi) -> None:
    """A day that was answered is the check; if it is rejected as well, no other day is sent."""
    stage = api.run(
        lambda day, number: rejection(900, "maintenance") if number >= 10 else good(day),
        options={"limits": ONE},
    )
    assert (api.report.done, api.report.failed, api.report.refused) == (10, 20, 0)
    assert len(asked(stage)) == 16
    api.run()
    assert api.report.complete


# -- the key ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", sized([FREE], [ONE, FREE]))
def test_a_bad_key_by_code_costs_five_requests(api: FakeApi, limits: Limits) -> None:
    """A code about the key, before any day was answered, ends the run like a 401."""
    stage = api.run(lambda _day, _number: rejection(401, "invalid API key"), options={"limits": limits})
    assert len(asked(stage)) <= 5
    assert isinstance(api.report.error, AuthenticationError)
    assert (api.report.refused, api.report.complete) == (0, False)


@pytest.mark.parametrize("answer", [status(403), status(401), rejection(401, "invalid API key")])
def test_one_denial_of_the_key_after_good_answers_costs_a_pause(answer: Response) -> None:
    """All requests pause, a probe is sent, and no day is lost."""

    async def story(stage: Stage) -> None:
        series = await stage.client.fetch(DAY, END, LINK)
        assert series.missing_days == ()
        assert len(stage.events_of(Paused)) == 1
        assert len(stage.transport.asked) == 31

    play(story, lambda day, number: answer if number == 12 else good(day), limits=ONE)


def test_a_rejected_key_can_be_retried() -> None:
    """A key that is rejected twice stops the client, until `retry_key` is called."""

    async def story(stage: Stage) -> None:
        await stage.client.day(DAY, LINK)
        for sent in (3, 3):
            with pytest.raises(AuthenticationError):
                await stage.client.day(END, LINK)
            assert len(stage.transport.asked) == sent
        stage.client.retry_key()
        with pytest.raises(HourlyClicksError):
            await stage.client.day(END, LINK)
        stage.client.retry_key()
        await stage.client.day(END, LINK)
        assert len(stage.transport.asked) == 5

    play(story, lambda day, number: status(403) if 1 <= number <= 3 else good(day), limits=ONE)


# -- probes and witnesses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", sized(["newest"], ["oldest", "newest"]))
def test_a_parked_target_is_probed_each_minute(api: FakeApi, order: str) -> None:
    """As soon as it is answered again, its days are fetched, while the other target is still in progress."""
    days = DateRange(DAY - dt.timedelta(40), END)
    stage = api.run(
        lambda day, number: rejection() if number < 6 else good(day),
        days=days,
        targets=(LINK, GOOD),
        options={"limits": Limits(rates=(Rate(60),), concurrency=1)},
        order=order,
    )
    assert (api.report.complete, api.report.done, len(stage.events_of(TargetParked))) == (True, 140, 1)
    assert len(asked(stage)) == 140 + 6
    (probe, *_) = [each for each in stage.transport.asked[6:] if each.target == LINK.id]
    assert 60 <= probe.at < 120 + 6


@pytest.mark.parametrize(
    ("answer", "number"),
    [(status(404, b"404 page not found"), 1), (rejection(900, "maintenance"), 3)],
)
def test_many_targets_of_few_days_end_the_run_too(api: FakeApi, answer: Response, number: int) -> None:
    """If a gateway answers in place of the API, the run ends after few requests and a witness."""
    days = DateRange(DAY, DAY + dt.timedelta(number - 1))
    targets = tuple(Link(f"link{each}", "https://vvd.bz") for each in range(30 // number))
    stage = api.run(
        lambda day, number: answer if number >= 10 else good(day),
        days=days,
        targets=targets,
        options={"limits": ONE},
    )
    assert api.report.stopped is StopReason.TROUBLE
    assert len(asked(stage)) <= 10 + 12 + 1 + 3
    assert api.report.refused == 0
    api.run(days=days, targets=targets)
    assert (api.report.complete, api.report.done + api.report.reused) == (True, 30)


def test_many_wrong_links_among_good_ones_do_not_end_the_run(api: FakeApi) -> None:
    """The witness is answered, and all good ones are fetched."""
    stages: list[Stage] = []

    async def see(stage: Stage, _stop: asyncio.Event) -> None:
        stages.append(stage)

    def answers(day: dt.date, number: int) -> Response:
        good_one = stages[0].transport.asked[number].target in {GOOD.id, OTHER.id}
        return good(day) if good_one else rejection()

    targets = (GOOD, *[Link(f"link{each}", "https://vvd.bz") for each in range(20)], OTHER)
    stage = api.run(
        answers, days=DateRange(DAY, DAY), targets=targets, meanwhile=see, options={"limits": ONE}
    )
    assert (api.report.done, api.report.failed) == (2, 20)
    assert len(asked(stage)) <= 22 + 2


def test_wrong_links_side_by_side_do_not_end_a_run_that_was_answered(api: FakeApi) -> None:
    """A day that was answered is requested once more, and the links after them are fetched."""
    stages: list[Stage] = []

    async def see(stage: Stage, _stop: asyncio.Event) -> None:
        stages.append(stage)

    def answers(day: dt.date, number: int) -> Response:
        good_one = stages[0].transport.asked[number].target in {GOOD.id, OTHER.id}
        return good(day) if good_one else rejection()

    wrong = [Link(f"link{each}", "https://vvd.bz") for each in range(2)]
    days = DateRange(DAY, DAY + dt.timedelta(7))
    stage = api.run(answers, days=days, targets=(GOOD, *wrong, OTHER), meanwhile=see, options={"limits": ONE})
    assert (api.report.done, api.report.failed, set(api.report.parked)) == (16, 16, set(wrong))
    assert len(asked(stage)) <= 16 + 2 * 6 + 1 + 2  # a witness, and two probes at the end


@pytest.mark.parametrize("known", [(), (GOOD, OTHER)], ids=["new store", "known links"])
def test_wrong_links_that_come_first_do_not_end_the_run(api: FakeApi, known: tuple[Link, ...]) -> None:
    """The witness is a day of another target, from the store if there is one; all good links are fetched."""
    stages: list[Stage] = []

    async def see(stage: Stage, _stop: asyncio.Event) -> None:
        stages.append(stage)

    def answers(day: dt.date, number: int) -> Response:
        good_one = stages[-1].transport.asked[number].target in {GOOD.id, OTHER.id}
        return good(day) if good_one else rejection()

    wrong = [Link(f"link{each}", "https://vvd.bz") for each in range(3)]
    targets = (*wrong, GOOD, OTHER)
    if known:
        api.run(days=DateRange(DAY, DAY + dt.timedelta(4)), targets=known)
    for last in (5, 6):
        days = DateRange(DAY, DAY + dt.timedelta(last))
        api.run(answers, days=days, targets=targets, meanwhile=see, options={"limits": ONE})
        assert set(api.report.parked) == set(wrong)
        assert (api.report.stopped, api.report.remaining) == (StopReason.COMPLETE, 0)
        assert api.report.failed == 3 * len(days)


def test_a_backfill_without_retries_pauses_as_well(api: FakeApi) -> None:
    """If too many requests fail, it pauses for a minute instead of spending a request on every day."""
    days = DateRange(DAY - dt.timedelta(20), END)
    stage = api.run(
        lambda day, number: status(502) if 20 <= number < 31 else good(day),
        days=days,
        options={"limits": ONE},
    )
    assert len(asked(stage)) == 50
    assert len(stage.events_of(Paused)) == 1
    api.run(days=days)
    assert api.report.complete


def test_a_day_held_between_its_attempts_is_recorded(path: Path) -> None:
    """The store has the failure of each day of a parked target, those that waited for a retry included."""
    api, gateway = FakeApi(path), status(404, b"404 page not found")
    api.run(lambda _day, _number: gateway, options={"limits": FREE, "retry": RetryPolicy()})
    assert list(api.report.parked) == [LINK]
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT count(*), min(status) FROM days WHERE state = 'failed'").fetchall()
    assert rows[0][0] >= 5
    assert rows[0][1] == 404


# -- fetch and stream -------------------------------------------------------------------------------------


def test_a_fetch_settles_rejections_as_a_backfill_does(api: FakeApi) -> None:
    """A day that is rejected between answered ones, and once more, is not requested again."""
    bad = DAY + dt.timedelta(3)

    async def story(stage: Stage) -> None:
        for requests in (31, 31):
            series = await stage.client.fetch(DAY, END, LINK, strict=False)
            assert series.missing_days == (bad,)
            assert len(stage.transport.asked) == requests

    play(
        story,
        lambda day, _: rejection() if day == bad else good(day),
        limits=ONE,
        store=api.store,
        retry=ONCE,
    )


def test_a_fetch_settles_a_gap_at_its_end_with_the_second_call(api: FakeApi) -> None:
    """The last days need an answer after them, so one more day is requested."""
    bad = {END - dt.timedelta(1), END}

    async def story(stage: Stage) -> None:
        counts = []
        for _ in range(3):
            await stage.client.fetch(DAY, END, LINK, strict=False)
            counts.append(len(stage.transport.asked))
            await stage.clock.sleep(120)
        assert counts == [30, 34, 34]  # two days, one after them, and one of the two once more

    play(
        story,
        lambda day, _: rejection() if day in bad else good(day),
        limits=ONE,
        store=api.store,
        retry=ONCE,
    )


def test_a_stream_settles_rejections_between_answers(api: FakeApi) -> None:
    """Days rejected between answered ones are not requested again."""
    bad = DAY + dt.timedelta(3)

    async def story(stage: Stage) -> None:
        for requests in (31, 31):
            async with stage.client.stream(DAY, END, LINK) as days:
                found = [each async for each in read(days)]
            assert [isinstance(each, ApiError) for each in found].count(True) == 1
            assert len(stage.transport.asked) == requests

    play(
        story,
        lambda day, _: rejection() if day == bad else good(day),
        limits=ONE,
        store=api.store,
        retry=ONCE,
    )
