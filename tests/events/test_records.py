"""The log: which sentence is written at which level, and what a structured logger gets."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
from typing import TYPE_CHECKING, Any, get_args

import attrs
import pytest

from hourlyclicks import Account, ApiError, Group, Lane, ServerError, TransportError
from hourlyclicks.events import (
    AccountEnded,
    AttemptFailed,
    ClockSkew,
    DayDiffers,
    DayDone,
    DayFailed,
    DayRevised,
    Dispatcher,
    EndpointChanged,
    FetchCancelled,
    FleetProgress,
    PageAttemptFailed,
    PageRead,
    Paused,
    Progress,
    RangeDone,
    Refused,
    RequestDone,
    Resumed,
    SlotsHeld,
    SpacingChanged,
    TargetParked,
    dispatcher,
)
from hourlyclicks.events import event as every
from hourlyclicks.events.records import fields
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.fleet_report import AccountReport, AccountState
from hourlyclicks.model.series_builder import SeriesBuilder
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import END, fails, in_turn, play, status

if TYPE_CHECKING:
    from hourlyclicks.events import BaseEvent, Event
    from tests.fetching.stage import Stage

BUSY = ServerError("the server failed: HTTP 500", status=500, retryable=True)
REJECTED = ApiError("no such link", code=9, status=404)
LATER = DAY + dt.timedelta(30)

EVENTS: list[tuple[int, BaseEvent]] = [
    (logging.INFO, AccountEnded(report=AccountReport(name="acme", state=AccountState.HELD))),
    (logging.WARNING, AccountEnded(report=AccountReport(name="acme", state=AccountState.FAILED, error=BUSY))),
    (logging.INFO, AttemptFailed(day=DAY, target=LINK, attempt=1, wait=1.5, error=BUSY)),
    (logging.WARNING, ClockSkew(seconds=600.0)),
    (logging.WARNING, DayDiffers(day=DAY, target=LINK, by_hour=1, by_date=2)),
    (logging.DEBUG, DayDone(day=DAY, target=Account(), requests=2, final=False)),
    (logging.WARNING, DayFailed(day=DAY, target=Group(7), requests=4, error=REJECTED)),
    (logging.DEBUG, DayRevised(day=DAY, target=LINK, revision=2)),
    (logging.INFO, EndpointChanged(endpoint="v2", why="the server lacks it")),
    (logging.DEBUG, FetchCancelled(target=LINK, series=SeriesBuilder(LINK, DateRange(DAY, LATER)).build())),
    (logging.INFO, PageAttemptFailed(name="links", page=3, attempt=1, wait=0.25, error=BUSY)),
    (
        logging.DEBUG,
        FleetProgress(
            accounts=4,
            running=1,
            held=1,
            complete=1,
            failed=1,
            days=99,
            done=90,
            failed_days=2,
            listed=True,
            seconds=9.5,
        ),
    ),
    (logging.DEBUG, PageRead(name="groups", page=1, entries=200, total=None, reading=1)),
    (logging.WARNING, Paused(seconds=900.0, why="the server asks to wait")),
    (logging.DEBUG, Progress(done=3, failed=1, total=1000, eta=math.inf, binding="rate")),
    (logging.DEBUG, RangeDone(start=DAY, end=LATER, target=LINK, days=31, requests=1)),
    (logging.INFO, RangeDone(start=DAY, end=LATER, target=LINK, days=0, requests=1, error=REJECTED)),
    (logging.WARNING, RangeDone(start=DAY, end=DAY, target=LINK, days=0, requests=1, error=REJECTED)),
    (logging.WARNING, RangeDone(start=DAY, end=LATER, target=LINK, days=0, requests=4, error=BUSY)),
    (logging.WARNING, Refused(day=DAY, target=LINK, status=429)),
    (
        logging.DEBUG,
        RequestDone(
            target=LINK,
            day=DAY,
            days=31,
            endpoint="clicks-by-hour/v3",
            status=200,
            seconds=0.25,
            waited=12.0,
            attempt=1,
            bytes=1500,
        ),
    ),
    (
        logging.DEBUG,
        RequestDone(
            target=None,
            day=None,
            days=0,
            endpoint="links/v1",
            status=None,
            seconds=30.0,
            waited=0.0,
            attempt=2,
            bytes=0,
            error=TransportError("the API took too long to answer", kind="timeout"),
        ),
    ),
    (logging.INFO, Resumed()),
    (logging.INFO, SlotsHeld(requests=2, seconds=61.0, killed=True)),
    (logging.INFO, SpacingChanged(interval=2.5, why="bursts are rejected")),
    (logging.WARNING, TargetParked(target=LINK, days=365, error=REJECTED)),
]
TAGS: dict[str, Any] = {"call": 7, "label": "report", "lane": Lane.BACKFILL}
OF_RECORDS = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def tagged(event: BaseEvent) -> Event:
    """Return an event as one of a call."""
    return attrs.evolve(event, **TAGS)  # type: ignore[return-value]  # the union has all classes


@pytest.mark.parametrize(("level", "event"), EVENTS, ids=lambda value: type(value).__name__)
def test_an_event_is_a_sentence_at_its_level(
    caplog: pytest.LogCaptureFixture, level: int, event: BaseEvent
) -> None:
    """It is one line without the names of classes, and its fields are values of JSON."""
    caplog.set_level(logging.DEBUG)
    Dispatcher()(tagged(event))
    [record] = caplog.records
    assert (record.levelno, record.name) == (level, event.logger)
    assert record.getMessage() == event.message
    assert "\n" not in event.message
    assert not {"(", "=", "<"} & set(event.message.replace("(HTTP", ""))
    given = {name: value for name, value in vars(record).items() if name not in OF_RECORDS}
    assert given == fields(tagged(event))
    assert json.loads(json.dumps(given, allow_nan=False)) == given
    assert all(name.startswith("hourlyclicks_") for name in given)
    assert given["hourlyclicks_event"] == type(event).__name__
    assert [given[f"hourlyclicks_{name}"] for name in TAGS] == [7, "report", "backfill"]


def test_every_event_is_tried() -> None:
    """Each class of the union is in the list above."""
    assert {type(event) for _, event in EVENTS} == set(get_args(every.Event))


def test_an_error_and_a_target_are_several_fields() -> None:
    """What is worth a query of its own has a field of its own."""
    given = fields(DayFailed(day=DAY, target=LINK, requests=4, error=REJECTED))
    assert given == {
        "hourlyclicks_event": "DayFailed",
        "hourlyclicks_call": None,
        "hourlyclicks_label": None,
        "hourlyclicks_lane": None,
        "hourlyclicks_day": DAY.isoformat(),
        "hourlyclicks_target": "https://vvd.bz/kYdr",
        "hourlyclicks_requests": 4,
        "hourlyclicks_error": str(REJECTED),
        "hourlyclicks_error_type": "ApiError",
        "hourlyclicks_error_code": 9,
        "hourlyclicks_error_status": 404,
    }


# -- what a user sees ---------------------------------------------------------------------------------------


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return the events in the log, as their levels and sentences."""
    return [(record.levelname, record.message) for record in caplog.records]


def test_a_429_and_its_pause_are_warnings(caplog: pytest.LogCaptureFixture) -> None:
    """Without any hook, each is one sentence at WARNING, and the end of the pause is one at INFO."""
    caplog.set_level(logging.INFO, "hourlyclicks")

    async def story(stage: Stage) -> None:
        await stage.client.day(DAY, LINK)

    busy = status(429, Retry_After="840")
    play(story, in_turn(busy), on_event=None)
    assert lines(caplog) == [
        ("WARNING", f"the server rate-limits requests: HTTP 429 for {DAY} of https://vvd.bz/kYdr"),
        ("WARNING", "paused for 14 min: the server asks to wait"),
        ("INFO", "the server responds again: requests are sent as usual"),
    ]


def test_retries_and_a_failed_day_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Each retry is a sentence at INFO, and the day that failed after all one at WARNING."""
    caplog.set_level(logging.INFO, "hourlyclicks")

    async def story(stage: Stage) -> None:
        await fails(stage)

    play(story, in_turn(*[status(500)] * 4), on_event=None)
    found = lines(caplog)
    assert [level for level, _ in found] == ["INFO", "INFO", "INFO", "WARNING"]
    assert found[0][1].startswith(f"attempt 1 for {DAY} of https://vvd.bz/kYdr failed, the next one follows")
    assert found[3][1].startswith(f"{DAY} of https://vvd.bz/kYdr failed after 4 requests: ")


def test_a_day_that_was_not_requested_has_not_failed() -> None:
    """As when the key is rejected while the day waits for its turn."""
    failed = DayFailed(day=DAY, target=LINK, requests=0, error=REJECTED)
    assert failed.message == f"{DAY} of https://vvd.bz/kYdr was not requested: {REJECTED}"


def test_a_good_run_says_nothing_at_info(caplog: pytest.LogCaptureFixture) -> None:
    """Requests, days and progress are details: they are written at DEBUG only."""
    caplog.set_level(logging.INFO, "hourlyclicks")

    async def story(stage: Stage) -> None:
        await stage.client.fetch(DAY, END, LINK)

    play(story, on_event=None)
    assert lines(caplog) == []
    caplog.set_level(logging.DEBUG, "hourlyclicks")
    play(story, on_event=None)
    told = [vars(record)["hourlyclicks_event"] for record in caplog.records]
    assert {name: told.count(name) for name in told} == {"RequestDone": 30, "DayDone": 30, "Progress": 30}


def test_no_event_of_a_day_is_made_when_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a hook, and with the log at WARNING, a good run creates no event at all."""
    made: list[object] = []
    monkeypatch.setattr(Dispatcher, "__call__", lambda _self, event: made.append(event))

    async def story(stage: Stage) -> None:
        await stage.client.fetch(DAY, END, LINK)

    assert not dispatcher.debugging()
    play(story, on_event=None)
    assert made == []
    play(story)
    assert len(made) == 90
