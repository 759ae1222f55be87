from __future__ import annotations

import datetime as dt
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.simulator import Traffic
from hourlyclicks.simulator.traffic import EMPTY, day_figures

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

TARGETS: list[Target] = [Account(), Group(7), Link("kYdr", "https://vvd.bz"), Link("한글", "https://vvd.im")]
FIRST = dt.date(2015, 1, 1)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(3653)]

targets = st.one_of(
    st.just(Account()),
    st.builds(Group, st.integers(0, 99)),
    st.builds(
        Link,
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
        st.just("https://vvd.bz"),
    ),
)


@given(st.integers(0, 9), targets, st.dates())
def test_a_day_is_the_same_however_it_is_asked_for(seed: int, target: Target, day: dt.date) -> None:
    """The figures depend on seed, target and day, and not on earlier requests."""
    busy = Traffic(seed)
    busy.day(Account(), day)
    busy.day(target, dt.date(2025, 1, 1))
    assert busy.day(target, day) == Traffic(seed).day(target, day)


def test_another_process_sees_the_same() -> None:
    """No randomised hash affects the figures."""
    code = (
        "import datetime as dt; from hourlyclicks.simulator.traffic import Traffic;"
        "from hourlyclicks.model.targets import Link;"
        "print(Traffic(3).day(Link('k', 'https://vvd.bz'), dt.date(2025, 4, 20)))"
    )
    expected = str(Traffic(3).day(Link("k", "https://vvd.bz"), dt.date(2025, 4, 20)))
    actual = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert expected == actual.stdout.strip()


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_every_day_has_24_cells_of_two_numbers_or_none(target: Target) -> None:
    """A cell is either reported, with two counts, or not reported at all."""
    for day in DAYS:
        cells = Traffic().day(target, day)
        assert len(cells) == 24
        for clicks, users in cells:
            assert (clicks is None) == (users is None)
            assert clicks is None or users is None or (clicks >= 0 and users >= 0)


def test_seeds_targets_and_days_differ() -> None:
    """Another seed, target or day has other figures."""
    figures = {
        Traffic(seed).day(target, day) for seed in range(3) for target in TARGETS for day in DAYS[60:64]
    }
    assert len(figures) > 40


def _clicks(target: Target) -> dict[dt.date, list[int]]:
    return {day: [clicks or 0 for clicks, _ in Traffic().day(target, day)] for day in DAYS}


def test_the_shape_is_that_of_people() -> None:
    """Days have more clicks than nights, Tuesdays than Sundays, and some days have peaks."""
    days = _clicks(TARGETS[2])
    by_hour = [sum(day[hour] for day in days.values()) for hour in range(24)]
    assert by_hour[12] > 5 * by_hour[4]
    total = {day: sum(clicks) for day, clicks in days.items()}
    by_weekday = [
        statistics.median(sum_ for day, sum_ in total.items() if day.weekday() == n) for n in range(7)
    ]
    assert by_weekday[1] > by_weekday[5] > by_weekday[6]
    assert max(total.values()) > 1.5 * statistics.median(total.values())


def test_rare_things_happen_now_and_then() -> None:
    """Ten years have empty days, hours with more users than clicks, zeros, and hours left out."""
    quiet = min(
        (Link(f"l{number}", "https://vvd.bz") for number in range(20)),
        key=lambda target: sum(clicks or 0 for clicks, _ in Traffic().day(target, DAYS[1])) or 10**9,
    )
    days = [Traffic().day(quiet, day) for day in DAYS]
    assert 10 < sum(all(clicks is None for clicks, _ in day) for day in days) < 200
    cells = [cell for day in days for cell in day]
    assert any(clicks is not None and users is not None and users > clicks for clicks, users in cells)
    zeros, left_out = cells.count((0, 0)), cells.count((None, None))
    assert 0 < zeros < left_out < len(cells) / 2


@pytest.mark.parametrize("active_days", [0, 2, 50, 100])
def test_so_many_days_are_active(active_days: int) -> None:
    """About that percentage of days has clicks; on these the figures are the same as without the switch."""
    traffic, whole = Traffic(active_days=active_days), Traffic()
    active = [day for day in DAYS if traffic.day(TARGETS[2], day) != EMPTY]
    assert len(active) / len(DAYS) == pytest.approx(active_days / 100, abs=0.03)
    assert all(traffic.day(TARGETS[2], day) == whole.day(TARGETS[2], day) for day in active[:50])


@pytest.mark.parametrize("active_days", [-1, 101])
def test_a_percentage_is_at_most_100(active_days: int) -> None:
    """Any other number is an error."""
    with pytest.raises(UsageError, match="active_days"):
        Traffic(active_days=active_days)


@given(targets, st.dates())
def test_the_users_of_a_day_are_plausible(target: Target, day: dt.date) -> None:
    """A day has the clicks of its hours, at least the users of its busiest hour and at most those of all."""
    cells = Traffic().day(target, day)
    clicks, users = day_figures(cells)
    reported = [people for _, people in cells if people is not None]
    assert clicks == (sum(count or 0 for count, _ in cells) if reported else None)
    assert users is None if not reported else max(reported) <= (users or 0) <= sum(reported)
