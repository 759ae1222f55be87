import datetime as dt
import sys
import zoneinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model import zones
from hourlyclicks.model.dates import as_day
from hourlyclicks.model.zones import (
    SETTLE,
    Finality,
    as_zone,
    begins,
    ends,
    has_begun,
    has_ended,
    is_final,
    today,
)
from tests.cases import every_case

MICROSECOND = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)
MIN = dt.datetime.min.replace(tzinfo=dt.UTC)
MAX = dt.datetime.max.replace(tzinfo=dt.UTC)
NEW_YORK = ZoneInfo("America/New_York")
APRIL_3 = dt.date(2025, 4, 3)

# (zone, day, its length in hours): forward and back in the night, over midnight, at midnight, in the middle
# of an hour, from the last minute of a day, and a day that was left out altogether.
STRANGE_DAYS = [
    ("America/New_York", "2025-03-09", 23),
    ("America/New_York", "2025-11-02", 25),
    ("America/Sao_Paulo", "2018-11-04", 23),
    ("America/Sao_Paulo", "2018-11-03", 24),
    ("America/Sao_Paulo", "2018-02-17", 25),
    ("Asia/Beirut", "2022-03-27", 23),
    ("Asia/Beirut", "2022-10-29", 25),
    ("America/Havana", "2024-03-10", 23),
    ("America/Havana", "2024-11-03", 25),
    ("Australia/Lord_Howe", "2024-10-06", 23.5),
    ("America/Toronto", "1919-03-30", 23.5),
    ("America/Toronto", "1919-03-31", 23.5),
    ("America/St_Johns", "2010-11-06", 25),
    ("Pacific/Apia", "2011-12-30", 0),
    ("Pacific/Apia", "2011-12-31", 24),
    ("Pacific/Kiritimati", "1994-12-31", 0),
    ("Asia/Seoul", "2025-04-03", 24),
]


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


# as_zone


class _LikePytz(dt.tzinfo):
    """A zone like those of pytz: it has a name, and local mean time for a plain midnight."""

    zone = "Asia/Seoul"

    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(hours=8, minutes=28)

    def dst(self, _: dt.datetime | None) -> None:
        """Return no summer time."""

    def tzname(self, _: dt.datetime | None) -> str:
        return "LMT"


def test_zones_are_read() -> None:
    """A name gives its zone, a tzinfo itself, None nothing, and a zone of pytz the zone of its name."""
    assert as_zone("Asia/Seoul") is ZoneInfo("Asia/Seoul")
    assert as_zone(NEW_YORK) is NEW_YORK
    assert as_zone(dt.UTC) is dt.UTC
    assert as_zone(None) is None
    assert as_zone(_LikePytz()) is ZoneInfo("Asia/Seoul")


@pytest.mark.parametrize(
    "name", ["", "Seoul/Asia", "Asia", "../etc/passwd", "/etc/localtime", "a\0b", "\ud800", "서울"]
)
def test_unknown_zones_are_refused(name: str) -> None:
    """An unknown name, or one that is no name, is a usage error."""
    with pytest.raises(UsageError, match="no such time zone"):
        as_zone(name)


def test_a_missing_zone_database_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a zone database, as in many containers, a right name is not called wrong."""
    ZoneInfo.clear_cache()
    for name in {"tzdata", *(name for name in sys.modules if name.startswith("tzdata."))}:
        monkeypatch.setitem(sys.modules, name, None)
    zoneinfo.reset_tzpath([])
    try:
        with pytest.raises(UsageError, match="no time zone database; run: pip install tzdata"):
            as_zone("Asia/Seoul")
    finally:
        zoneinfo.reset_tzpath()
        ZoneInfo.clear_cache()


def test_what_is_no_zone_is_refused() -> None:
    """A number of hours is no zone."""
    with pytest.raises(UsageError, match="a time zone is a name or a tzinfo, not 9"):
        as_zone(9)  # type: ignore[arg-type]  # the point of the test


# begins, ends


def test_without_a_zone_a_day_lasts_fifty_hours() -> None:
    """It begins at UTC+14 and has ended at UTC-12."""
    assert begins(APRIL_3) == _utc("2025-04-02 10:00")
    assert ends(APRIL_3) == _utc("2025-04-04 12:00")


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)), st.integers(-12, 14))
def test_without_a_zone_every_place_on_earth_is_covered(day: dt.date, hours: int) -> None:
    """No place sees a day begin earlier or end later."""
    place = dt.timezone(dt.timedelta(hours=hours))
    assert begins(day) <= begins(day, place) < ends(day, place) <= ends(day)


@given(
    st.dates(dt.date(1890, 1, 1), dt.date(2200, 1, 1)),
    st.sampled_from(sorted({z for z, _, _ in STRANGE_DAYS})),
)
def test_a_day_ends_where_the_next_begins_or_later(day: dt.date, name: str) -> None:
    """In a zone no moment is between two days; they overlap only where a clock is set back over midnight."""
    zone = ZoneInfo(name)
    assert begins(day, zone) <= begins(day + DAY, zone) <= ends(day, zone)


@every_case(("zone", "day", "hours"), STRANGE_DAYS)
def test_a_day_in_a_zone_is_as_long_as_its_clock_says(zone: str, day: str, hours: float) -> None:
    """A day takes 23, 24, 25 or other hours, depending on its zone."""
    lasted = ends(as_day(day), ZoneInfo(zone)) - begins(as_day(day), ZoneInfo(zone))
    assert dt.timedelta(hours=hours) == lasted


@every_case(("name", "text"), [(zone, day) for zone, day, _ in STRANGE_DAYS])
@every_case("shift", [-1, 0, 1])
def test_the_bounds_of_a_day_are_exact_to_the_microsecond(name: str, text: str, shift: int) -> None:
    """Just before its begin and after its end no clock shows the day."""
    zone, day = ZoneInfo(name), as_day(text) + shift * DAY
    start, end = begins(day, zone), ends(day, zone)
    minutes = [dt.timedelta(minutes=i) for i in range(0, 200, 5)]
    assert start.astimezone(zone).date() >= day
    assert all((start - MICROSECOND - ago).astimezone(zone).date() < day for ago in minutes)
    assert (end - MICROSECOND).astimezone(zone).date() <= day
    assert all((end + after).astimezone(zone).date() > day for after in minutes)


def test_a_day_without_midnight_begins_when_the_clock_is_put_forward() -> None:
    """In Sao Paulo and Beirut 24:00 was 01:00: the day begins at one o'clock."""
    assert begins(dt.date(2018, 11, 4), ZoneInfo("America/Sao_Paulo")) == _utc("2018-11-04 03:00")
    assert begins(dt.date(2022, 3, 27), ZoneInfo("Asia/Beirut")) == _utc("2022-03-26 22:00")


def test_a_day_that_comes_back_has_not_ended() -> None:
    """St John's set its clock back from 00:01 to 23:01: a minute of the next day, then this one again."""
    zone = ZoneInfo("America/St_Johns")
    saturday, sunday = dt.date(2010, 11, 6), dt.date(2010, 11, 7)
    assert ends(saturday, zone) - begins(sunday, zone) == dt.timedelta(hours=1)


@pytest.mark.parametrize(
    "zone", [None, dt.UTC, NEW_YORK, ZoneInfo("Asia/Seoul"), ZoneInfo("Pacific/Kiritimati")]
)
def test_the_ends_of_time_do_not_overflow(zone: dt.tzinfo | None) -> None:
    """The first and last dates begin and end at valid moments, in any zone."""
    assert MIN <= begins(dt.date.min, zone) <= ends(dt.date.min, zone) <= begins(dt.date.max, zone)
    assert ends(dt.date.max, zone) == MAX
    assert has_begun(dt.date.min, MAX, zone)
    assert not has_ended(dt.date.max, MAX - MICROSECOND, zone)
    assert is_final(dt.date.min, MAX, zone)
    assert not is_final(dt.date.max, MAX, zone)
    assert dt.date.max == today(MAX, zone)
    assert dt.date.min == today(MIN, zone)


# has_begun, has_ended, is_final, today


@pytest.mark.parametrize("zone", [None, dt.UTC, NEW_YORK])
@given(day=st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
def test_begun_ended_and_final_turn_at_one_microsecond(day: dt.date, zone: dt.tzinfo | None) -> None:
    """Each of the three is false until one microsecond before its moment, and true from it on."""
    begin, end = begins(day, zone), ends(day, zone)
    for moment, ask in ((begin, has_begun), (end, has_ended), (end + SETTLE, is_final)):
        assert not ask(day, moment - MICROSECOND, zone)
        assert ask(day, moment, zone)


# The last four let a date come twice or leave one out, or change their clock over midnight.
_PLACES = [None, dt.UTC, NEW_YORK, *map(ZoneInfo, ("Asia/Seoul", "Pacific/Kwajalein", "Pacific/Apia"))]
_PLACES += [ZoneInfo(name) for name in ("America/Sao_Paulo", "America/Havana")]
_YEARS = (dt.datetime(1960, 1, 1), dt.datetime(2030, 1, 1))  # noqa: DTZ001 - hypothesis adds the zone
_ASKED_IN = st.sampled_from([place for place in _PLACES if place is not None])


@st.composite
def _asked(draw: st.DrawFn) -> list[tuple[dt.date, dt.datetime]]:
    """Draw days and times of requests, mostly near each other, with a clock that may go back."""
    moment = draw(st.datetimes(*_YEARS, timezones=st.just(dt.UTC)))
    asked = []
    for hours, age in draw(st.lists(st.tuples(st.integers(-80, 80), st.integers(-1, 6)), max_size=12)):
        moment += dt.timedelta(hours=hours)
        asked.append((moment.date() - age * DAY, moment.astimezone(draw(_ASKED_IN))))
    return asked


@pytest.mark.parametrize("zone", _PLACES, ids=str)
@given(asked=_asked())
def test_what_is_remembered_of_finality_is_true(
    zone: dt.tzinfo | None, asked: list[tuple[dt.date, dt.datetime]]
) -> None:
    """After any earlier calls, also with a clock that went back, the answer is right."""
    finality = Finality(zone)
    for day, moment in asked:
        assert finality.of(day, moment) == is_final(day, moment, zone)


@pytest.mark.parametrize("zone", _PLACES, ids=str)
def test_finality_turns_at_one_microsecond(zone: dt.tzinfo | None) -> None:
    """Around the moment at which a day becomes final, in both directions, the answer is exact."""
    final = ends(APRIL_3, zone) + SETTLE
    later = final + 30 * DAY
    finality = Finality(zone)
    for moment in (final - MICROSECOND, final, later, final, final - MICROSECOND, later, final - DAY, final):
        assert finality.of(APRIL_3, moment) == (moment >= final)


def test_finality_is_remembered_of_days_long_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of years of past days, only the first one needs the calendar."""
    consulted = []

    def looking(day: dt.date, *given: Any) -> bool:  # noqa: ANN401 - passed through
        consulted.append(day)
        return is_final(day, *given)

    monkeypatch.setattr(zones, "is_final", looking)
    moment = dt.datetime(2025, 4, 3, 12, tzinfo=dt.UTC)
    finality = Finality(NEW_YORK)
    answers = [finality.of(APRIL_3 - age * DAY, moment) for age in range(3650, 2, -1)]
    assert all(answers)
    assert len(consulted) == 2


def test_the_settle_time_can_be_chosen() -> None:
    """Zero or two days after the end, to the microsecond."""
    end = ends(APRIL_3, dt.UTC)
    two = dt.timedelta(days=2)
    assert is_final(APRIL_3, end, dt.UTC, settle=dt.timedelta())
    assert not is_final(APRIL_3, end + two - MICROSECOND, dt.UTC, settle=two)
    assert is_final(APRIL_3, end + two, dt.UTC, settle=two)


def test_the_clock_may_be_read_in_any_zone() -> None:
    """A moment in New York's time gives the same answers as in UTC."""
    now = ends(APRIL_3, NEW_YORK)
    assert has_ended(APRIL_3, now.astimezone(NEW_YORK), NEW_YORK)
    assert not has_ended(APRIL_3, (now - MICROSECOND).astimezone(NEW_YORK), NEW_YORK)
    assert today(now - MICROSECOND, NEW_YORK) == APRIL_3


def test_today_depends_on_the_place() -> None:
    """At one moment there may be three dates on Earth; without a zone, UTC counts."""
    now = _utc("2025-04-03 10:30")
    places = [dt.timezone(dt.timedelta(hours=14)), None, dt.timezone(dt.timedelta(hours=-12))]
    assert [today(now, place) for place in places] == [APRIL_3 + DAY, APRIL_3, APRIL_3 - DAY]


def test_a_moment_without_a_zone_is_refused() -> None:
    """A naive datetime is a usage error everywhere."""
    naive = dt.datetime(2025, 4, 3)  # noqa: DTZ001 - the point of the test
    for ask in (has_begun, has_ended, is_final):
        with pytest.raises(UsageError, match="2025-04-03T00:00:00 has none"):
            ask(APRIL_3, naive)
    with pytest.raises(UsageError):
        today(naive)
