from __future__ import annotations

import copy
import datetime as dt
import pickle
from typing import TYPE_CHECKING

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks, HourClicks, HourStatus
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account, Link
from tests.model.strategies import FIRST, NOON, TARGETS, a_day, content, days_of, ranges, series

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


DAY = dt.timedelta(days=1)
WEEK = DateRange(FIRST, FIRST + 6 * DAY)
# Sunday final, Monday missing, Tuesday provisional, the rest missing
SPARSE = merge_days(WEEK, [a_day(FIRST, 5), a_day(FIRST + 2 * DAY, 7, final=False)], target=Account())


@st.composite
def _answers(draw: st.DrawFn) -> tuple[DateRange, list[DayClicks]]:
    span = draw(ranges())
    return span, draw(days_of(span))


# arrival and merging


@given(_answers(), st.randoms(use_true_random=False))
def test_a_series_does_not_depend_on_the_order_of_arrival(
    answers: tuple[DateRange, list[DayClicks]], random: Random
) -> None:
    """Days added in any order, twice, make the same series, times of fetching included."""
    span, days = answers
    shuffled = days * 2
    random.shuffle(shuffled)
    one, other = (merge_days(span, taken, target=Account()) for taken in (days, shuffled))
    assert one == other
    assert content(one) == content(other)


@given(_answers(), st.data())
def test_merging_series_is_adding_their_days(
    answers: tuple[DateRange, list[DayClicks]], data: st.DataObject
) -> None:
    """Answers in two series, in any distribution, merge into the series of all of them."""
    span, days = answers
    cut = data.draw(st.integers(0, len(days)))
    one, other = (merge_days(span, taken, target=Account()) for taken in (days[:cut], days[cut:]))
    assert content(merge_days(span, days, target=Account())) == content(one.merge(other))


@given(series(), series())
def test_merging_is_commutative(one: HourlySeries, other: HourlySeries) -> None:
    """The order of the two series does not matter."""
    assert one.merge(other) == other.merge(one)
    assert content(one.merge(other)) == content(other.merge(one))


@given(series(), series(), series())
def test_merging_is_associative(one: HourlySeries, two: HourlySeries, three: HourlySeries) -> None:
    """The grouping of three series does not matter."""
    left, right = one.merge(two).merge(three), one.merge(two.merge(three))
    assert left == right
    assert content(left) == content(right)


@given(series(), series())
def test_merging_is_idempotent(one: HourlySeries, other: HourlySeries) -> None:
    """Merging a series again changes nothing."""
    both = one.merge(other)
    assert one == one.merge(one)
    assert content(both) == content(both.merge(other)) == content(one.merge(both))


@given(series(), series())
def test_merging_spans_both_ranges(one: HourlySeries, other: HourlySeries) -> None:
    """The result covers both ranges, and has what either had, and nothing else."""
    both = one.merge(other)
    assert min(one.range.start, other.range.start) == both.range.start
    assert max(one.range.end, other.range.end) == both.range.end
    known = {day.date for day in [*one.days(), *other.days()]}
    assert set(both.range) - known == set(both.missing_days)


def test_series_of_different_targets_are_not_merged() -> None:
    """That is a usage error, which names both."""
    other = merge_days(WEEK, [], target=Link("kYdr", "https://vvd.bz"))
    with pytest.raises(UsageError, match=r"a series of account and one of https://vvd\.bz/kYdr"):
        SPARSE.merge(other)


def test_merging_changes_neither_series() -> None:
    """Both operands are unchanged."""
    other = merge_days(WEEK, [a_day(FIRST, 6, at=NOON + DAY)], target=Account())
    SPARSE.merge(other)
    assert [SPARSE[FIRST].clicks[0], other[FIRST].clicks[0]] == [5, 6]


# splitting and slicing


@given(series(), st.data())
def test_a_series_split_at_any_day_rejoins(whole: HourlySeries, data: st.DataObject) -> None:
    """Two slices that meet between two days merge into the whole, in either order."""
    cut = data.draw(st.sampled_from(list(whole.range)))
    before, after = whole[:cut], whole[cut:]
    assert whole == before.merge(after) == after.merge(before)
    assert content(whole) == content(after.merge(before))
    if cut < whole.range.end:
        head, tail = whole[:cut], whole[cut + DAY :]
        assert whole == head.merge(tail)
        assert whole.total_clicks == head.total_clicks + tail.total_clicks


@given(series(), ranges())
def test_slices_agree_with_indexing(whole: HourlySeries, wanted: DateRange) -> None:
    """A slice has the range of its ends, and the same days as the whole."""
    common = whole.range.clip(wanted)
    if common is None:
        with pytest.raises(KeyError):
            whole[wanted.start : wanted.end]
        return
    part = whole[str(wanted.start) : wanted.end]
    assert common == part.range
    assert whole.target == part.target
    assert [day for day in whole.days() if day.date in common] == [part[day.date] for day in part.days()]
    assert [hour for hour in whole if hour.date in common] == list(part)


def test_a_slice_without_ends_is_the_whole() -> None:
    """Open ends are the ends of the range."""
    assert SPARSE[:] == SPARSE
    assert SPARSE[FIRST:FIRST].range == DateRange(FIRST, FIRST)


@pytest.mark.parametrize(
    ("part", "error", "text"),
    [
        (slice(None, None, 2), UsageError, "cannot have a step"),
        (slice("2024-02-28", "2024-02-26"), UsageError, "starts on 2024-02-28, after its end"),
        (slice("2024-04-03", None), KeyError, "no day of 2024-04-03..9999-12-31 is in the range 2024"),
        (slice(None, "2024-02-24"), KeyError, "no day of 0001-01-01..2024-02-24"),
        (slice(0, 3), UsageError, "not 0"),
    ],
)  # fmt: skip
def test_impossible_slices_are_refused(part: slice, error: type[Exception], text: str) -> None:
    """A step, ends in the wrong order, no common day and numbers are different errors."""
    with pytest.raises(error, match=text):
        SPARSE[part]


@pytest.mark.parametrize(
    ("key", "error", "text"),
    [
        ("2024-02-24", KeyError, "2024-02-24 is not in the range 2024-02-25..2024-03-02"),
        (FIRST + DAY, KeyError, "2024-02-26 was not fetched"),
        ("yesterday", UsageError, "not 'yesterday'"),
        (0, UsageError, "not 0"),
    ],
)
def test_a_day_without_an_answer_is_an_error(key: str, error: type[Exception], text: str) -> None:
    """A day out of range, one that was not fetched, and an invalid day are different errors."""
    with pytest.raises(error, match=text):
        SPARSE[key]


@given(series())
def test_a_day_is_in_a_series_when_it_has_an_answer(known: HourlySeries) -> None:
    """Membership agrees with indexing, for a date and for its text; a number is never in it."""
    dates = list(DateRange(known.range.start - DAY, known.range.end + DAY))
    fetched = [day.date for day in known.days()]
    assert fetched == [date for date in dates if date in known]
    assert fetched == [date for date in dates if date.isoformat() in known]
    assert 0 not in known


# what is known


@given(_answers())
def test_no_state_is_taken_for_another(answers: tuple[DateRange, list[DayClicks]]) -> None:
    """An hour of a fetched day is reported or not; any other is not fetched."""
    span, days = answers
    known = merge_days(span, days, target=Account())
    for hour in known:
        given_hours = [list(day)[hour.hour] for day in days if day.date == hour.date]
        if given_hours:
            assert hour in given_hours
        else:
            assert hour == HourClicks(hour.date, hour.hour, None, None, HourStatus.NOT_FETCHED)


@given(series())
def test_every_hour_comes_once_in_order(known: HourlySeries) -> None:
    """Iteration yields the 24 hours of each day of the range, and its length says so."""
    assert [(date, hour) for date in known.range for hour in range(24)] == [(h.date, h.hour) for h in known]
    assert len(known) == len(list(known)) == 24 * len(known.range)


@given(series())
def test_columns_agree_with_the_hours(known: HourlySeries) -> None:
    """The three are days x 24, and have no count where the mark is 0."""
    assert {known.clicks.shape, known.unique_users.shape, known.reported.shape} == {(len(known.range), 24)}
    assert (known.reported.format, known.reported.readonly, known.reported.c_contiguous) == ("B", True, True)
    for hour in known:
        at = known.range.index(hour.date), hour.hour
        assert (hour.clicks, hour.unique_users) == (known.clicks[at], known.unique_users[at])
        assert (hour.status is HourStatus.REPORTED) == bool(known.reported[at])


@given(series())
def test_sums_agree_with_the_hours(known: HourlySeries) -> None:
    """The total, the 24 and the 7 x 24 sums equal those over the hours, and each other."""
    by_week = [[0] * 24 for _ in range(7)]
    for hour in known:
        by_week[hour.date.weekday()][hour.hour] += hour.clicks or 0
    assert tuple(map(tuple, by_week)) == known.clicks_by_weekday_hour()
    assert tuple(map(sum, zip(*by_week, strict=True))) == known.clicks_by_hour()
    assert sum(known.clicks_by_hour()) == known.total_clicks == sum(day.total_clicks for day in known.days())


@given(series())
def test_the_peak_is_the_first_hour_with_the_most_clicks(known: HourlySeries) -> None:
    """No reported hour has more clicks, and no earlier one as many; without reported hours there is none."""
    reported = [hour for hour in known if hour.status is HourStatus.REPORTED]
    assert max(reported, key=lambda hour: hour.clicks or 0, default=None) == known.peak


@given(series())
def test_days_are_fetched_or_missing(known: HourlySeries) -> None:
    """Each day of the range is one or the other; the provisional ones are those fetched and not final."""
    fetched = list(known.days())
    assert sorted([*known.missing_days, *(day.date for day in fetched)]) == list(known.range)
    assert tuple(day.date for day in fetched if not day.final) == known.provisional_days


def test_unique_users_are_never_added_up() -> None:
    """A series has no total of unique users under any name."""
    assert [name for name in dir(SPARSE) if "unique" in name] == ["unique_users"]


# a value


@given(series(), series())
def test_equal_series_know_the_same(one: HourlySeries, other: HourlySeries) -> None:
    """Equality is that of range, hours and states, and equal series have one hash."""
    same = one.range == other.range and list(one) == list(other)
    same = same and one.provisional_days == other.provisional_days
    assert same == (one == other)
    assert hash(one) == hash(other) or not same


def test_a_zero_is_not_equal_to_a_gap() -> None:
    """Series that differ only in zero, not reported and not fetched are not equal."""
    answers: list[list[DayClicks]] = [[a_day(FIRST, 0)], [a_day(FIRST, None)], []]
    different = [merge_days(WEEK, days, target=Account()) for days in answers]
    assert {0} == {known.total_clicks for known in different}
    assert len(set(different)) == 3


def test_when_it_was_fetched_makes_no_difference() -> None:
    """Two series with the same content, fetched at different times, are equal."""
    early, late = (merge_days(WEEK, [a_day(FIRST, at=at)], target=Account()) for at in (NOON, NOON + DAY))
    assert early == late
    assert {early} == {late}
    assert early[FIRST] != late[FIRST]


def test_every_part_makes_a_difference() -> None:
    """Another target, range, state, count of clicks or of users makes another series."""
    day = a_day(FIRST)
    known = merge_days(WEEK, [day], target=Account())
    assert known != merge_days(WEEK, [day], target=TARGETS[1])
    assert known != merge_days(DateRange(FIRST, FIRST), [day], target=Account())
    for change in (
        {"final": False},
        {"clicks": a_day(FIRST, 2).clicks},
        {"unique_users": a_day(FIRST, 2).clicks},
    ):
        assert known != merge_days(WEEK, [attrs.evolve(day, **change)], target=Account())
    assert known != list(known)


def _pickled(known: HourlySeries) -> HourlySeries:
    again = pickle.loads(pickle.dumps(known))  # noqa: S301 - our own bytes
    assert isinstance(again, HourlySeries)
    return again


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, _pickled])
@given(known=series())
def test_a_series_pickles_and_copies(
    known: HourlySeries, duplicate: Callable[[HourlySeries], HourlySeries]
) -> None:
    """The duplicate is equal and has the time of each day, also after the columns were used."""
    assert known.clicks.zero_filled.nbytes == 8 * len(known)
    assert known == duplicate(known)
    assert content(known) == content(duplicate(known))


def test_a_series_does_not_change() -> None:
    """Neither its attributes nor the cells of its columns can be written."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        SPARSE.range = WEEK  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        SPARSE.clicks[0, 0] = 1  # type: ignore[index]  # the point of the test
    with pytest.raises(TypeError):
        SPARSE.clicks.zero_filled[0, 0] = 1
    with pytest.raises(TypeError):
        SPARSE.reported[0, 0] = 1


def test_a_series_prints_in_a_line() -> None:
    """The repr is a short, printable summary for any link id."""
    assert repr(SPARSE) == (
        "<HourlySeries 'account' 2024-02-25..2024-03-02: 12 clicks, 7 days (5 missing, 1 provisional)>"
    )
    one = DateRange.of("2024-02-25", "2024-02-25")
    assert repr(merge_days(one, [], target=Account())) == (
        "<HourlySeries 'account' 2024-02-25..2024-02-25: 0 clicks, 1 day (1 missing, 0 provisional)>"
    )
    evil = merge_days(WEEK, [], target=Link("\x1b[2J" + "x" * 5000, "https://vvd.bz"))
    assert repr(evil).isprintable()
    assert len(repr(evil)) < 200


@pytest.mark.parametrize("date", [dt.date.min, dt.date(2024, 2, 29), dt.date.max])
def test_a_series_of_one_day(date: dt.date) -> None:
    """A single day, also the first and last date, is an ordinary series."""
    known = merge_days(DateRange(date, date), [a_day(date)], target=Account())
    assert known[date] == a_day(date)
    assert known == known[:] == known.merge(known)
    assert known.peak == HourClicks(date, 0, 1, 1)
    assert len(known.to_rows()) == 24


def test_changed_days_are_named() -> None:
    """Days with other figures are named; days that are missing on either side are not."""
    target = Link("kYdr", "https://vvd.bz")
    moment = dt.datetime(2025, 4, 10, tzinfo=dt.UTC)

    def day(number: int, clicks: int | None) -> DayClicks:
        counts = (clicks,) + (None,) * 23
        return DayClicks(dt.date(2025, 4, number), counts, counts, moment, final=False)

    older = merge_days(
        DateRange.of("2025-04-01", "2025-04-05"), [day(1, 5), day(2, 0), day(3, 7), day(4, 1)], target=target
    )
    newer = merge_days(
        DateRange.of("2025-04-02", "2025-04-09"),
        [day(2, None), day(3, 7), day(4, 2), day(5, 9)],
        target=target,
    )
    expected = (dt.date(2025, 4, 2), dt.date(2025, 4, 4))
    assert newer.changed_days(older) == older.changed_days(newer) == expected
    assert newer.changed_days(newer) == ()
    apart = merge_days(DateRange.of("2025-05-01", "2025-05-02"), [], target=target)
    assert newer.changed_days(apart) == ()
    with pytest.raises(UsageError, match="compared"):
        newer.changed_days(merge_days(newer.range, [], target=Account()))
