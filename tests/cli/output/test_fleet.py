"""The report of a run over many accounts in words: what is cut off is counted."""

from __future__ import annotations

import datetime as dt

import attrs

from hourlyclicks import Link
from hourlyclicks.cli.output.fleet import report_lines
from hourlyclicks.errors import ApiError
from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport
from hourlyclicks.model.targets import Query
from tests.model.test_fleet_report import backfill

REJECTED = ApiError("the day was rejected", code=404, status=200)
FIRST = dt.date(2025, 1, 1)


def told(listed: int, *, failed: int, parked: int = 0) -> list[str]:
    """Return what is said about one account that has so many failed days, some of them in the report."""
    days = [FIRST + dt.timedelta(place) for place in range(listed)]
    report = attrs.evolve(
        backfill(failed=failed),
        failures={Query(day, Link("kYdr", "https://vvd.bz")): REJECTED for day in days},
        parked={Link(f"wrong{place}", "https://vvd.bz"): REJECTED for place in range(parked)},
    )
    account = AccountReport(name="acme", state=AccountState.INCOMPLETE, report=report)
    lines = report_lines(FleetReport(accounts=(account,), seconds=1.0))
    return [line.strip() for line in lines if line.startswith(("  missing", "  parked"))]


def test_days_that_are_not_named_are_counted() -> None:
    """Three are named."""
    assert len(told(3, failed=3)) == 3
    assert told(4, failed=4)[3:] == ["missing: 1 day more"]
    assert told(50, failed=50)[3:] == ["missing: 47 days more"]


def test_a_report_with_the_first_failures_counts_all() -> None:
    """As one has that came from another process."""
    assert told(100, failed=2_000)[3:] == ["missing: 1,997 days more"]


def test_targets_that_are_not_named_are_counted() -> None:
    """Their days are not told again."""
    lines = told(0, failed=1_825, parked=5)
    assert len(lines) == 4
    assert lines[3] == "parked: 2 targets more"
