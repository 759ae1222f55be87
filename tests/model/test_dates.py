import copy
import datetime as dt
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange, as_day
from tests.cases import every_case

DAY = dt.timedelta(days=1)
RANGE = DateRange(dt.date(2024, 2, 27), dt.date(2024, 3, 1))
APRIL_3 = dt.date(2025, 4, 3)


@st.composite
def _ranges(draw: st.DrawFn) -> DateRange:
    start = draw(st.dates())
    last = min(start.toordinal() + draw(st.integers(0, 40)), dt.date.max.toordinal())
    return DateRange(start, dt.date.fromordinal(last))


# as_day


@given(st.dates())
def test_a_day_is_read_from_what_it_prints(day: dt.date) -> None:
    """Every date and its ISO text are read as that date."""
    assert day == as_day(day) == as_day(day.isoformat())


@every_case(
    "text",
    [
        "", "20250403", "2025-W14-4", "2025-4-3", " 2025-04-03", "2025-04-03\n", "2025-04-03T00:00",
        "25-04-03", "2025/04/03", "2025-04-31", "2025-02-29", "0000-01-01", "-001-01-01",
        "\u0662\u0660\u0662\u0665-04-03", "\uff12\uff10\uff12\uff15-04-03", "2025\u201004\u201003",
    ],
)  # fmt: skip
def test_only_one_spelling_of_a_day_is_read(text: str) -> None:
    """Text other than an existing YYYY-MM-DD in ASCII is an error, which quotes it."""
    with pytest.raises(UsageError) as caught:
        as_day(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("value", [dt.datetime(2025, 4, 3, tzinfo=dt.UTC), 20250403, None, b"2025-04-03"])
def test_what_is_no_day_is_refused(value: object) -> None:
    """A datetime, a number, bytes and None are errors."""
    with pytest.raises(UsageError, match=r"a day is a datetime\.date or 'YYYY-MM-DD'"):
        as_day(value)  # type: ignore[arg-type]  # the point of the test


# DateRange


@given(_ranges())
def test_a_range_agrees_with_its_list(span: DateRange) -> None:
    """Length, order, membership, places and indices are those of the list of its days."""
    listed = list(span)
    assert [span.start + i * DAY for i in range(len(span))] == listed
    assert listed == [span[i] for i in range(len(span))]
    assert listed == [span[i - len(span)] for i in range(len(span))]
    assert list(range(len(span))) == [span.index(day) for day in listed]
    assert all(day in span for day in listed)


@given(_ranges(), _ranges())
def test_clipping_leaves_the_common_days(one: DateRange, other: DateRange) -> None:
    """Clipping is the intersection, from either side."""
    common = sorted(set(one) & set(other))
    clipped = one.clip(other)
    assert common == (list(clipped) if clipped else [])
    assert clipped == other.clip(one)


def test_a_range_may_be_one_day() -> None:
    """Both ends are included, so a range from a day to itself has one day."""
    span = DateRange.of("2024-02-29", dt.date(2024, 2, 29))
    assert [dt.date(2024, 2, 29)] == list(span)
    assert len(span) == 1


def test_a_range_holds_the_leap_day() -> None:
    """February has 29 days in 2024, 28 in 2025 and in 2100."""
    years = (2024, 2025, 2100)
    assert [len(DateRange.of(f"{year}-02-01", f"{year}-03-01")) for year in years] == [30, 29, 29]


def test_a_range_may_be_all_of_time() -> None:
    """A range from the first to the last date can be counted, indexed and iterated."""
    everything = DateRange(dt.date.min, dt.date.max)
    assert len(everything) == 3_652_059
    assert dt.date.max == everything[-1]
    assert dt.date.min == next(iter(everything))
    assert [dt.date.max] == list(DateRange(dt.date.max, dt.date.max))


def test_a_range_does_not_run_backwards() -> None:
    """The start may not come after the end."""
    with pytest.raises(UsageError, match="the range starts on 2025-04-04, after its end on 2025-04-03"):
        DateRange.of("2025-04-04", "2025-04-03")


@pytest.mark.parametrize("wrong", ["2025-04-03", dt.datetime(2025, 4, 3, tzinfo=dt.UTC), None])
def test_a_range_is_made_of_dates(wrong: dt.date) -> None:
    """The constructor takes dates only, on either side."""
    with pytest.raises(UsageError, match=r"DateRange\.start"):
        DateRange(wrong, APRIL_3)
    with pytest.raises(UsageError, match=r"DateRange\.end"):
        DateRange(APRIL_3, wrong)


def test_what_is_not_in_a_range_has_no_place() -> None:
    """A day outside is not in it, has no index, and is named in the error."""
    with pytest.raises(UsageError, match=r"2024-03-02 is not in 2024-02-27\.\.2024-03-01"):
        RANGE.index(dt.date(2024, 3, 2))


@pytest.mark.parametrize("thing", ["2024-02-28", dt.datetime(2024, 2, 28, tzinfo=dt.UTC), None, 3])
def test_only_dates_are_in_a_range(thing: object) -> None:
    """Membership of anything but a date is false and no error."""
    assert thing not in RANGE


@pytest.mark.parametrize("index", [4, -5])
def test_indices_end_with_the_range(index: int) -> None:
    """An index beyond either end is an IndexError, as in a list."""
    with pytest.raises(IndexError, match=f"4 days, no day {index}"):
        RANGE[index]


def test_a_range_is_a_value() -> None:
    """Equal ranges are one key, copies are equal, and it prints as both its ends."""
    assert {RANGE} == {DateRange.of("2024-02-27", "2024-03-01"), copy.copy(RANGE)}
    assert pickle.loads(pickle.dumps(RANGE)) == RANGE  # noqa: S301 - our own bytes
    assert str(RANGE) == "2024-02-27..2024-03-01"


@given(st.integers(1, 400), st.integers(1, 150), st.booleans())
def test_chunks_are_the_range_in_parts(days: int, size: int, newest_first: bool) -> None:  # noqa: FBT001 - drawn
    """From either end, the parts join without gap or overlap, and none is longer than requested."""
    range_ = DateRange(dt.date(2025, 1, 1), dt.date(2025, 1, 1) + dt.timedelta(days - 1))
    chunks = list(range_.chunks(size, newest_first=newest_first))
    assert all(1 <= len(chunk) <= size for chunk in chunks)
    in_order = reversed(chunks) if newest_first else chunks
    assert [day for chunk in in_order for day in chunk] == list(range_)
