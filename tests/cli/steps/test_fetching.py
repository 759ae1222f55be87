"""What is said of days that `fetch` has not fetched: what is cut off is counted."""

from __future__ import annotations

import datetime as dt

import pytest

from hourlyclicks import DateRange, Link
from hourlyclicks.cli.steps.collecting import RunOutcome, TargetOutcome
from hourlyclicks.cli.steps.fetching import tell_missing
from hourlyclicks.errors import StoppedError
from hourlyclicks.model.series_builder import SeriesBuilder
from tests.model.strategies import a_day

TARGET = Link("kYdr", "https://vvd.bz")
DAYS = DateRange.of("2025-04-01", "2025-04-30")


@pytest.mark.parametrize(
    ("fetched", "named", "rest"),
    [
        (range(2, 21, 2), 10, []),  # the first days of ten stretches, the last day of which is the 30th
        (range(2, 25, 2), 10, ["missing: 7 days more that were not fetched"]),
        ((*range(2, 23, 2), *range(24, 31)), 10, ["missing: 1 day more that was not fetched"]),
    ],
)
def test_stretches_of_days_that_are_not_named_are_counted(
    fetched: tuple[int, ...], named: int, rest: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten are named."""
    builder = SeriesBuilder(TARGET, DAYS)
    for day in fetched:
        builder.add(a_day(dt.date(2025, 4, day)))
    ended = StoppedError("the run was stopped")
    outcome = TargetOutcome(builder.build(), {dt.date(2025, 4, 1): ended}, ended_by=ended)
    tell_missing(RunOutcome({TARGET: DAYS}, (outcome,)))
    lines = capsys.readouterr().err.splitlines()
    stretches = [line for line in lines if line.endswith(": not fetched")]
    assert len(stretches) == named
    assert [line for line in lines[1:] if line not in stretches] == rest
