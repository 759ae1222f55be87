"""Clocks that differ are reported once, and old answers make no day final."""

from __future__ import annotations

import datetime as dt
import logging
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import ApiError
from hourlyclicks.events import ClockSkew, Dispatcher
from hourlyclicks.fetching.clock_skew import ClockSkewDetector
from hourlyclicks.simulator.clock import START
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import REJECTED, always, good, play, status

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.events import Event
    from hourlyclicks.model.http import Response
    from tests.fetching.stage import Stage

LONG_OVER = START.date() - dt.timedelta(3)
HOUR = dt.timedelta(hours=1)


def dated(day: dt.date, ahead: dt.timedelta) -> Response:
    """Return a good answer of a server when this machine's clock, which began at `START`, is ahead."""
    answer = good(day)
    return status(200, answer.body, Date=format_datetime(START - ahead, usegmt=True))


def reported(*skews: float | None) -> list[float]:
    """Return what a watch reports of answers with these differences."""
    events: list[Event] = []
    watch = ClockSkewDetector(Dispatcher(events.append))
    for skew in skews:
        watch.record(None if skew is None else dt.timedelta(seconds=skew))
    return [event.seconds for event in events if isinstance(event, ClockSkew)]


@pytest.mark.parametrize(
    ("skews", "events"),
    [
        ((0.0, 300.0, -300.0, None), []),
        ((301.0,), [301.0]),
        ((-301.0,), [-301.0]),
        ((900.0, 900.0, None, 4000.0, -900.0), [900.0]),
        ((900.0, *[0.0] * 9, 800.0), [900.0]),
        ((900.0, *[0.0] * 10, 800.0), [900.0, 800.0]),
        ((900.0, *[0.0, 900.0] * 20), [900.0]),
    ],
)
def test_a_difference_is_reported_once_until_it_is_gone(
    skews: tuple[float | None], events: list[float]
) -> None:
    """Five minutes are tolerated; a difference is gone after some answers in a row that agree."""
    assert events == reported(*skews)


@given(st.lists(st.none() | st.integers(-10_000, 10_000), max_size=50))
def test_agreement_is_never_reported(skews: list[int | None]) -> None:
    """Only a difference that exists is reported."""
    assert all(abs(seconds) > 300 and seconds in skews for seconds in reported(*skews))


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (301.0, "5 min ahead"),
        (-7199.0, "120 min behind"),
        (7260.0, "2.0 h ahead"),
        (3 * 86_400.0, "3.0 days ahead"),
    ],
)
def test_a_difference_in_words(skew: float, words: str) -> None:
    """The unit suits the size."""
    assert f"clock is {words}" in ClockSkew(seconds=skew).message


def test_a_client_tells_of_its_clock_once(caplog: pytest.LogCaptureFixture) -> None:
    """A clock that is ten minutes ahead is one event and one warning, however many days are fetched."""

    async def story(stage: Stage) -> None:
        await stage.client.fetch(DAY, DAY + dt.timedelta(19), LINK)

    stage = play(story, lambda day, _: dated(day, 10 * HOUR / 60))
    [event] = stage.events_of(ClockSkew)
    assert event.seconds == pytest.approx(600, abs=30)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.name for record in warnings] == ["hourlyclicks.clock"]
    assert "10 min ahead of the server's" in warnings[0].getMessage()


OLD = {
    "a clock three days ahead": {"Date": format_datetime(START - 72 * HOUR, usegmt=True)},
    "an old date": {"Date": format_datetime(START - 48 * HOUR, usegmt=True)},
    "an age": {"Age": str(2 * 86_400)},
    "a hit": {"X-Cache": "HIT"},
}


@pytest.mark.parametrize("what", OLD)
def test_an_old_answer_makes_no_day_final(what: str) -> None:
    """Figures from before the end of a day are not final, even if the request came after it."""

    async def story(stage: Stage) -> None:
        day = await stage.client.day(LONG_OVER, LINK)
        assert not day.final
        assert day.fetched_at < START - 47 * HOUR

    body = good(LONG_OVER).body
    play(story, always(status(200, body, **OLD[what])))


@pytest.mark.parametrize("what", OLD)
def test_an_old_rejection_is_not_final(what: str, tmp_path: Path) -> None:
    """A day that was not over when it was rejected has failed, and is requested again."""

    async def story(stage: Stage) -> None:
        with pytest.raises(ApiError):
            await stage.client.day(LONG_OVER, LINK)
        stage.transport.answers = always(good(LONG_OVER))
        assert (await stage.client.day(LONG_OVER, LINK)).total_clicks == 7

    play(story, always(status(200, REJECTED.body, **OLD[what])), store=tmp_path / "clicks.db")


@pytest.mark.parametrize("headers", [{}, {"Date": "Sat, 01 Jan 2050 00:00:00 GMT"}, {"Age": "-5"}])
def test_a_date_to_come_makes_no_day_final_earlier(headers: dict[str, str]) -> None:
    """A server whose clock is ahead does not make today final."""

    async def story(stage: Stage) -> None:
        old, new = LONG_OVER, START.date()
        for day, final in ((old, True), (new, False)):
            stage.transport.answers = always(status(200, good(day).body, **headers))
            begun = stage.clock.wall()
            found = await stage.client.day(day, LINK)
            assert (found.final, found.fetched_at) == (final, begun)

    play(story)
