import datetime as dt
import random
from collections.abc import Mapping
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.frames.wall_clock import hour_starts, name_of
from tests.sizes import examples, sample

ZONES = sorted(available_timezones())
YEARS = range(1972, 2038)
QUARTER = dt.timedelta(minutes=15)
BERLIN, LORD_HOWE, APIA = (ZoneInfo(key) for key in ("Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"))

Shown = Mapping[tuple[dt.date, int], dt.datetime]


def shown(days: DateRange, zone: dt.tzinfo) -> Shown:
    """Watch the clock of a zone, every half minute, and return when each date and hour was first shown.

    Of a quarter of an hour at whose ends the offset is the same, and whole quarters, the beginning is enough.
    """
    first = dt.datetime.combine(days.start, dt.time(), dt.UTC) - dt.timedelta(hours=26)
    found: dict[tuple[dt.date, int], dt.datetime] = {}
    for quarter in range((len(days) * 24 + 52) * 4):
        begin = first + quarter * QUARTER
        offset, later = (moment.astimezone(zone).utcoffset() for moment in (begin, begin + QUARTER))
        assert offset is not None
        plain = offset == later and not offset % QUARTER
        for half_minute in range(1 if plain else 30):
            moment = begin + dt.timedelta(seconds=30 * half_minute)
            wall = moment.astimezone(zone)
            found.setdefault((wall.date(), wall.hour), moment)
    return found


def starts(days: DateRange, zone: dt.tzinfo) -> Shown:
    """Return the starts of the hours of a range; an hour that was skipped is left out."""
    seconds, known = hour_starts(days, zone)
    hours = [(date, hour) for date in days for hour in range(24)]
    return {
        hour: dt.datetime.fromtimestamp(second, dt.UTC)
        for hour, second, is_known in zip(hours, seconds, known, strict=True)
        if is_known
    }


def expected(days: DateRange, zone: dt.tzinfo) -> Shown:
    """Return what the clock showed within a range."""
    return {(date, hour): at for (date, hour), at in shown(days, zone).items() if date in days}


@cache
def changes(key: str, year: int) -> list[dt.date]:
    """Return the days of a year on which the clock of a zone changes."""
    zone = ZoneInfo(key)
    days = [dt.date(year, 1, 1) + dt.timedelta(days=day) for day in range(366)]
    offsets = [dt.datetime.combine(day, dt.time(), zone).utcoffset() for day in days]
    return [day for day, *pair in zip(days, offsets, offsets[1:], strict=False) if pair[0] != pair[1]]


@st.composite
def zoned_days(draw: st.DrawFn) -> tuple[str, dt.date]:
    """Draw a zone and a day, often one on which its clock changes."""
    key, year = draw(st.sampled_from(ZONES)), draw(st.sampled_from(YEARS))
    any_day = st.integers(0, 364).map(lambda day: dt.date(year, 1, 1) + dt.timedelta(days=day))
    changing = changes(key, year)
    return key, draw(st.sampled_from(changing) | any_day if changing else any_day)


@settings(max_examples=examples(160))
@given(zoned_days())
def test_an_hour_starts_when_the_clock_first_shows_it(drawn: tuple[str, dt.date]) -> None:
    """Hours have no start exactly if the clock never showed them; others read back as date and hour."""
    key, day = drawn
    zone, days = ZoneInfo(key), DateRange(day, day)
    assert starts(days, zone) == expected(days, zone)
    for (date, hour), at in starts(days, zone).items():
        back = at.astimezone(zone)
        assert (back.date(), back.hour) == (date, hour)


def test_every_zone_has_starts() -> None:
    """The rule holds in every zone of the database."""
    draw = random.Random(7)
    for key in sample(ZONES, 25):
        year = draw.choice(YEARS)
        day = draw.choice([*changes(key, year), dt.date(year, 6, 15)])
        days = DateRange(day, day)
        assert starts(days, ZoneInfo(key)) == expected(days, ZoneInfo(key)), key


def test_a_skipped_hour_has_no_start() -> None:
    """In Berlin, 2 o'clock was skipped on 2025-03-30, and 3 o'clock follows an hour after 1 o'clock."""
    found = starts(DateRange.of("2025-03-30", "2025-03-30"), BERLIN)
    day = dt.date(2025, 3, 30)
    assert (day, 2) not in found
    assert found[day, 3] - found[day, 1] == dt.timedelta(hours=1)
    assert len(found) == 23


def test_a_repeated_hour_is_its_first_occurrence() -> None:
    """In Berlin, 2 o'clock came twice on 2025-10-26: 3 o'clock follows two hours after the first of them."""
    found = starts(DateRange.of("2025-10-26", "2025-10-26"), BERLIN)
    day = dt.date(2025, 10, 26)
    assert found[day, 2] == dt.datetime(2025, 10, 26, 0, tzinfo=dt.UTC)
    assert found[day, 3] - found[day, 2] == dt.timedelta(hours=2)
    assert len(found) == 24


def test_an_hour_of_which_half_is_skipped_starts_in_its_middle() -> None:
    """On Lord Howe Island the clock went from 2:00 to 2:30 on 2024-10-06."""
    found = starts(DateRange.of("2024-10-06", "2024-10-06"), LORD_HOWE)
    at = found[dt.date(2024, 10, 6), 2].astimezone(LORD_HOWE)
    assert (at.hour, at.minute) == (2, 30)


def test_a_whole_day_can_be_skipped() -> None:
    """Samoa skipped 2011-12-30; the days before and after it have all hours."""
    found = starts(DateRange.of("2011-12-29", "2011-12-31"), APIA)
    assert {date.day for date, _ in found} == {29, 31}
    assert len(found) == 48


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_have_hours(day: str) -> None:
    """The first and the last day that there are have 24 hours."""
    assert list(hour_starts(DateRange.of(day, day), BERLIN).known) == [1] * 24


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        (ZoneInfo("Asia/Seoul"), "Asia/Seoul"),
        (dt.UTC, "UTC"),
        (dt.timezone(dt.timedelta(hours=9)), "+09:00"),
        (dt.timezone(dt.timedelta(hours=-3, minutes=-30)), "-03:30"),
    ],
)
def test_a_zone_has_the_name_that_others_know(zone: dt.tzinfo, name: str) -> None:
    """Zones are named as Arrow names them."""
    assert name_of(zone) == name


class Nameless(dt.tzinfo):
    """A zone without a name, and without an offset."""

    def utcoffset(self, _: dt.datetime | None) -> None:
        """Return that it is not known."""

    dst = utcoffset

    def tzname(self, _: dt.datetime | None) -> str:
        """Return a name that is no zone's."""
        return "elsewhere"


def test_a_zone_without_a_name_is_refused() -> None:
    """A zone that no other program knows is a `UsageError`, as is one without an offset."""
    for zone in (Nameless(), dt.timezone(dt.timedelta(seconds=5))):
        with pytest.raises(UsageError, match="a name such as Asia/Seoul"):
            name_of(zone)
    with pytest.raises(UsageError, match="must know its offset"):
        hour_starts(DateRange.of("2025-01-01", "2025-01-01"), Nameless())
