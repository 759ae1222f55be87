"""The pictures and the chart of the page: where days are, which have labels, how high the bars are."""

from __future__ import annotations

import datetime as dt
import re
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.scale import scale_end, shade
from hourlyclicks.render.page.axis import LEFT, WIDEST, WIDTH, Axis
from hourlyclicks.render.page.heatmap import heatmaps, marks, runs
from hourlyclicks.render.page.hours import FINAL, MISSING, PROVISIONAL, Hours
from hourlyclicks.render.page.palette import DARK, LIGHT, grey, transfer
from hourlyclicks.render.page.trend import HEIGHT, trend
from tests.render.page.samples import MISSING as NOT_FETCHED
from tests.render.page.samples import a_year, nothing, sample, ten_years
from tests.render.plots.pictures import series

STARTS = st.dates(dt.date(1990, 1, 1), dt.date(2030, 12, 31))
LENGTHS = st.one_of(st.integers(1, 100), st.integers(1, 8000))


@given(STARTS, LENGTHS)
def test_labels_are_within_the_figure_and_apart(start: dt.date, days: int) -> None:
    """None begins before the first day, none is cut off, and there is room between two."""
    axis = Axis.across(start, days)
    places = [place for place, _ in axis.labels()]
    assert all(after - before >= 40 for before, after in pairwise(places))
    assert all(LEFT <= place <= WIDTH - 40 for place in places)
    assert len(places) <= 26
    assert axis.width <= WIDEST


@given(STARTS, st.integers(1, 366))
def test_a_date_is_at_the_same_place_in_every_year(start: dt.date, days: int) -> None:
    """So that years below each other can be compared."""
    axis = Axis.of_year(start, days)
    assert axis.at(0) == Axis.of_year(dt.date(start.year, 1, 1), 1).at(start.timetuple().tm_yday - 1)


def test_days_weeks_months_and_years_have_labels() -> None:
    """Whichever fits; where the year changes, it is named."""
    texts = {
        days: [text for _, text in Axis.across(dt.date(2024, 11, 1), days).labels()]
        for days in (10, 60, 120, 3650)
    }
    assert texts[10] == ["1 Nov", "4 Nov", "7 Nov", "10 Nov"]
    assert texts[60][:2] == ["1 Nov", "8 Nov"]
    assert texts[120] == ["Nov", "Dec", "2025", "Feb"]
    assert texts[3650] == [str(year) for year in range(2025, 2035)]


def test_all_states_have_their_places() -> None:
    """Runs of days that were not fetched, and marks of provisional days, which are wide enough to be seen."""
    states = bytes([MISSING, MISSING, FINAL, PROVISIONAL, MISSING])
    assert list(runs(states, MISSING)) == [(0, 1), (4, 4)]
    wide, narrow = Axis.across(dt.date(2025, 1, 1), 5), Axis.across(dt.date(2025, 1, 1), 3650)
    assert marks(states, wide) == ((LEFT + 3 * WIDEST, WIDEST),)
    ((left, width),) = marks(bytes([FINAL] * 3649 + [PROVISIONAL]), narrow)
    assert (width, left + width) == (3, WIDTH)


def test_each_year_of_a_long_series_has_its_days() -> None:
    """Together the pictures have every day once; only the first may begin within a year."""
    pictures = list(heatmaps(Hours(sample("2024-02-10", "2025-12-31"))))
    assert [(each.title, each.first, each.axis.days) for each in pictures] == [
        ("2024", 0, 326),
        ("2025", 326, 365),
    ]
    assert pictures[0].axis.left > pictures[1].axis.left == LEFT


def test_missing_days_are_hatched() -> None:
    """Where they are, and as wide."""
    (picture,) = heatmaps(Hours(a_year()))
    axis = picture.axis
    places = [a_year().range.index(dt.date.fromisoformat(day)) for day in NOT_FETCHED]
    assert picture.missing == (axis.across_days(places[0], places[5]), axis.across_days(places[6], places[6]))
    assert picture.gaps


def heights(path: str) -> list[int]:
    """Return the heights of the bars of an outline."""
    return [int(height) for height in re.findall(r"V(\d+)h1", path)]


def test_a_bar_is_as_high_as_its_day() -> None:
    """In proportion to the day with the most clicks; days without figures have none, and are hatched."""
    figure, hours = trend(Hours(a_year())), Hours(a_year())
    most = max(count or 0 for count in hours.by_day)
    assert (figure.beyond, figure.labels) == ((), ())
    assert heights(figure.bars) == [round(HEIGHT * (count or 0) / most) for count in hours.by_day]
    assert (figure.step, figure.number, figure.most) == (1, 365, most)
    assert len(figure.missing) == 2
    assert len(figure.unreported) == 3
    assert figure.width == WIDTH - LEFT


def test_a_burst_does_not_flatten_a_year() -> None:
    """The figure ends at an ordinary day; bars beyond it are higher than the figure, and labelled."""
    figure = trend(Hours(series(365, lambda day, _: 1_000 if day in {100, 101, 364} else day % 10)))
    assert figure.most == 24 * 9
    high = heights(figure.bars)
    assert [place for place, height in enumerate(high) if height > HEIGHT] == [100, 101, 364]
    assert [round((left - LEFT) / figure.axis.width, 1) for left in figure.beyond] == [101.0, 364.5]
    assert [(label.text, label.before) for label in figure.labels] == [("up to 24k", False), ("24k", True)]


@pytest.mark.parametrize(
    ("last", "step"),
    [("2016-12-31", 1), ("2017-02-03", 1), ("2017-02-04", 7), ("2025-12-31", 7), ("2027-12-31", 28)],
)
def test_bars_of_a_long_series_are_means(last: str, step: int) -> None:
    """They stay wide enough: a bar is a day, a week or four weeks."""
    figure = trend(Hours(nothing("2016-01-01", last)))
    assert figure.step == step
    assert figure.number <= 530
    assert figure.line == ""
    assert figure.missing == ((LEFT, figure.width),)


def test_the_line_ends_at_each_gap() -> None:
    """It has a part for each stretch of days with figures that is long enough."""
    hours = Hours(a_year())
    known = bytes([count is not None for count in hours.by_day])
    long = [run for run in runs(known, 1) if run[1] - run[0] >= 3]
    assert trend(hours).line.count("M") == len(long)
    assert trend(Hours(ten_years())).line.count("M") == 2


@pytest.mark.parametrize("most", [1, 2, 7, 145, 30_890, 2**60])
def test_ticks_are_round_numbers(most: int) -> None:
    """From 0 up, and at most six."""
    hours = Hours(nothing("2025-01-01", "2025-01-01"))

    ticks = list(attrs.evolve(trend(hours), most=most).ticks(100))
    assert ticks[0] == (100, "0")
    assert 2 <= len(ticks) <= 6
    assert all(before > after >= 0 for (before, _), (after, _) in pairwise(ticks))


def test_filters_turn_each_grey_into_its_colour() -> None:
    """As a discrete transfer function does: the k-th of n values for greys from k/n on."""
    for colours in (LIGHT, DARK):
        tables = [[float(value) for value in table.split()] for table in transfer(colours)]
        for each, colour in enumerate(colours):
            level = bytes.fromhex(grey(each)[1:])[0] / 255
            found = [table[min(7, int(level * 8))] for table in tables]
            assert [int(value * 255) for value in found] == list(bytes.fromhex(colour[1:]))
            assert [round(value * 255) for value in found] == list(bytes.fromhex(colour[1:]))


def test_the_shades_are_those_of_the_scale() -> None:
    """A busy hour is dark, a quiet one pale."""
    hours = Hours(a_year())
    assert hours.end == scale_end(hours.clicks, hours.reported)
    assert shade(max(hours.clicks), hours.end) == 7
