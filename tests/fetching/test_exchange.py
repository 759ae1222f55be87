"""One day, from the first request to the answer: retries, pauses and events."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    RateLimitedError,
    ServerError,
    TransportError,
)
from hourlyclicks.events import AttemptFailed, DayDone, DayFailed, Paused, Refused, RequestDone, Resumed
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.simulator.clock import START
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import ONE, REJECTED, always, fails, good, in_turn, play, status

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from tests.fetching.stage import Stage

RESET = TransportError("reset", kind="disconnected")
WRONG_DAY = good(DAY + dt.timedelta(1))
HTML = status(200, b"<html>Bad gateway</html>")
BUSY = status(429)


def test_a_day_is_one_request() -> None:
    """When nothing fails a day takes one request, and an event of each says so."""

    async def story(stage: Stage) -> None:
        day = await stage.client.day(DAY, LINK)
        assert day.total_clicks == 7

    stage = play(story)
    assert len(stage.transport.asked) == 1
    request, day = stage.events
    assert isinstance(request, RequestDone)
    assert (request.day, request.days, request.status, request.attempt) == (DAY, 1, 200, 1)
    assert (request.seconds, request.waited, request.bytes) == (1.0, 0.0, len(good(DAY).body))
    assert day == DayDone(day=DAY, target=LINK, requests=1, final=True)


# -- what is repeated -----------------------------------------------------------------------------------

REPEATED: dict[str, tuple[Any, type[HourlyClicksError]]] = {
    "500": (status(500), ServerError),
    "502": (status(502, b"<html>"), ServerError),
    "503": (status(503), ServerError),
    "504": (status(504), ServerError),
    "408": (status(408), ServerError),
    "204": (status(204), DecodeError),
    "206": (status(206, good(DAY).body), DecodeError),
    "304": (status(304), DecodeError),
    "an empty body": (status(200), DecodeError),
    "HTML": (HTML, DecodeError),
    "a cut body": (status(200, good(DAY).body[:-1]), DecodeError),
    "another day": (WRONG_DAY, DecodeError),
    "201": (status(201, good(DAY).body), DecodeError),
    "202": (status(202, b'{"code": 0, "message": "accepted", "result": []}'), DecodeError),
    "two results": (status(200, b'{"code": 0, "result": [], "result": []}'), DecodeError),
    "400 of a gateway": (status(400, b"<html>"), ApiError),
    "404 of a gateway": (status(404, b"404 page not found"), ApiError),
    "301": (status(301, location="https://elsewhere.example"), ApiError),
    "407": (status(407), ApiError),
    "421": (status(421, REJECTED.body), ApiError),
    "425": (status(425), ApiError),
    "code 0 under 404": (status(404, b'{"code": 0, "result": []}'), ApiError),
    "code 500": (status(200, b'{"code": 500, "message": "maintenance"}'), ApiError),
    "code 503 under 400": (status(400, b'{"code": 503}'), ApiError),
    "a broken line": (RESET, TransportError),
}
FINAL: dict[str, tuple[Any, type[HourlyClicksError]]] = {
    "501": (status(501), ServerError),
    "505": (status(505), ServerError),
    "404 of the API": (REJECTED, ApiError),
    "401": (status(401), AuthenticationError),
    "403": (status(403), AuthenticationError),
    "another code": (status(200, b'{"code": 9, "message": "no", "result": []}'), ApiError),
    "TLS": (TransportError("certificate", kind="tls"), TransportError),
    "too large": (DecodeError(("too large",), retryable=False), DecodeError),
}


@pytest.mark.parametrize("what", [*REPEATED, *FINAL])
def test_how_often_what_is_asked(what: str) -> None:
    """What may succeed the next time is requested four times, anything else once."""
    outcome, kind = (REPEATED | FINAL)[what]

    async def story(stage: Stage) -> None:
        error = await fails(stage)
        assert type(error) is kind
        assert (error.day, error.target) == (DAY, LINK)

    stage = play(story, always(outcome))
    asked = 4 if what in REPEATED else 1
    assert len(stage.transport.asked) == asked
    assert [event.attempt for event in stage.events_of(AttemptFailed)] == list(range(1, asked))
    assert [event.requests for event in stage.events_of(DayFailed)] == [asked]


def test_what_is_repeated_succeeds() -> None:
    """A retryable failure followed by success costs requests, and nothing else."""
    outcomes = [outcome for outcome, _ in REPEATED.values()]

    async def story(stage: Stage) -> None:
        assert (await stage.client.day(DAY, LINK)).total_clicks == 7

    stage = play(story, in_turn(*outcomes), retry=RetryPolicy(attempts=99, budget=math.inf))
    assert [event.requests for event in stage.events_of(DayDone)] == [len(outcomes) + 1]
    assert all((failed.day, failed.error.day) == (DAY, DAY) for failed in stage.events_of(AttemptFailed))


def test_without_a_hook() -> None:
    """Without a hook the result is the same."""

    async def story(stage: Stage) -> None:
        assert (await stage.client.day(DAY, LINK)).total_clicks == 7
        await fails(stage)

    stage = play(story, in_turn(RESET, BUSY, good(DAY), status(500), REJECTED), on_event=None)
    assert len(stage.transport.asked) == 5


def test_a_bug_of_the_transport_is_raised_once() -> None:
    """An exception that a transport must not raise is named by its class and not repeated."""

    async def story(stage: Stage) -> None:
        with pytest.raises(TransportError, match="ZeroDivisionError") as caught:
            await stage.client.day(DAY, LINK)
        assert (caught.value.kind, caught.value.retryable) == ("other", False)
        assert (await stage.client.day(DAY, LINK)).total_clicks == 7

    assert len(play(story, in_turn(ZeroDivisionError()), limits=ONE).transport.asked) == 2


def test_a_day_is_final_by_the_time_it_was_asked_for() -> None:
    """With an unknown zone, yesterday is not over everywhere; the day before it is."""
    today = START.date()

    async def story(stage: Stage) -> None:
        days = [await stage.client.day(today - dt.timedelta(age), LINK) for age in (0, 1, 2)]
        assert [day.final for day in days] == [False, False, True]
        assert [day.fetched_at for day in days] == [START + dt.timedelta(seconds=n) for n in (0, 1, 2)]

    play(story)


# -- answers with a 429 --------------------------------------------------------------------------------


def test_a_429_spends_no_attempt() -> None:
    """A day with one attempt survives any number of 429s, which count as requests."""

    async def story(stage: Stage) -> None:
        await stage.client.day(DAY, LINK)

    stage = play(story, in_turn(*[BUSY] * 5), retry=RetryPolicy(attempts=1))
    assert [event.requests for event in stage.events_of(DayDone)] == [6]
    assert [event.status for event in stage.events_of(Refused)] == [429] * 5
    assert len(stage.events_of(Resumed)) == 1
    assert stage.events_of(AttemptFailed) == []


def test_429_answers_between_attempts_change_nothing() -> None:
    """Failures around a 429 are counted as if it had not been there."""

    async def story(stage: Stage) -> None:
        assert isinstance(await fails(stage), ServerError)

    answers = in_turn(status(500), BUSY, status(500))
    assert len(play(story, answers, retry=RetryPolicy(attempts=2)).transport.asked) == 3


HTTP_DATE = "Sun, 01 Jun 2025 12:01:31 GMT"
PAUSES = {
    "seconds": (status(429, retry_after="30"), 30.0),
    "seconds of a 503": (status(503, retry_after="30"), 30.0),
    "a date": (status(429, retry_after=HTTP_DATE), 90.0),
    "the past": (status(429, retry_after="Sun, 01 Jun 2025 11:00:00 GMT"), 60.0),
    "nothing": (status(429), 60.0),
    "0": (status(429, retry_after="0"), 60.0),
    "negative": (status(429, retry_after="-5"), 60.0),
    "garbage": (status(429, retry_after="soon"), 60.0),
    "the longest": (status(429, retry_after="900"), 900.0),
    "garbage of a 503": (status(503, retry_after=""), 60.0),
}


@pytest.mark.parametrize("what", PAUSES)
def test_how_long_a_429_pauses(what: str) -> None:
    """The pause lasts as long as the server asked for, or else a minute."""
    outcome, seconds = PAUSES[what]

    async def story(stage: Stage) -> None:
        await stage.client.day(DAY, LINK)

    stage = play(story, in_turn(outcome))
    assert [pause.seconds for pause in stage.events_of(Paused)] == [seconds]
    assert stage.transport.times == [0.0, 1.0 + seconds]


@pytest.mark.parametrize("code", [429, 503])
def test_a_server_that_asks_for_too_long(code: int) -> None:
    """More than 15 minutes is an error, which carries the length."""

    async def story(stage: Stage) -> None:
        error = await fails(stage)
        assert isinstance(error, RateLimitedError)
        assert error.retry_after == 901
        assert stage.now == 1.0
        await stage.client.day(DAY, LINK)  # not for good

    assert len(play(story, in_turn(status(code, retry_after="901")), limits=ONE).transport.asked) == 2


def test_a_burst_of_429_answers_is_one_pause() -> None:
    """The 429s of requests that were in flight already begin no further pause."""

    async def story(stage: Stage) -> None:
        await stage.client.fetch(DAY, DAY + dt.timedelta(5), LINK)

    stage = play(story, in_turn(BUSY, BUSY, BUSY))
    assert [pause.seconds for pause in stage.events_of(Paused)] == [60.0]
    assert stage.transport.times[:5] == [0.0, 0.0, 0.0, 61.0, 62.0]  # the probe, then the rest
