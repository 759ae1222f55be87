"""``hourlyclicks estimate``."""

from __future__ import annotations

import datetime as dt

import pytest

from hourlyclicks import Plan
from hourlyclicks.cli import estimate
from hourlyclicks.cli.estimate import finish
from tests.cli.serving import invoke

TEN_YEARS = ("estimate", "--from", "2015-01-01", "--to", "2024-12-31")
NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be noon of 1 June 2025."""
    monkeypatch.setattr(estimate, "present", lambda: NOW)


def test_all_plans_are_compared() -> None:
    """Without a plan there is a line for each with access, and no key is needed."""
    result = invoke(*TEN_YEARS, env={"HOURLYCLICKS_API_KEY": None})
    assert result.exit_code == 0
    first, _, _, *lines = result.stdout.splitlines()
    assert first == "3,653 requests: 3,653 days, 1 target"
    assert [line[:15].strip() for line in lines] == [plan.value for plan in Plan if plan is not Plan.FREE]
    assert "6 h 53 min" in lines[0]
    assert "1 h 1 min" in lines[-1]
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_one_plan_is_told_in_words() -> None:
    """Requests, how long, what binds, and when it would be done."""
    lines = invoke(*TEN_YEARS, "--plan", "premium").stdout.splitlines()
    done = finish(NOW, 4 * 3600 + 8 * 60 - 5)
    assert lines[:3] == [
        "3,653 requests: 3,653 days, 1 target",
        "15 requests a minute, 1 at a time",
        "takes 4 h 8 min, bound by the rate limit",
    ]
    assert lines[3][:21] == f"done on {done}"[:21]


def test_own_limits_and_more_targets() -> None:
    """Several targets need several times the requests."""
    words = ("estimate", "--last", "2d", "--timezone", "UTC", "--targets", "3", "--limit", "6/3600")
    assert invoke(*words).stdout.splitlines()[:3] == [
        "6 requests: 2 days, 3 targets",
        "6 requests an hour, 1 at a time",
        "takes 2 s, bound by concurrency",
    ]


def test_the_end_is_told_in_local_time() -> None:
    """The moment of the end is that of the local clock; one beyond the calendar is said to be."""
    expected = (NOW + dt.timedelta(hours=1)).astimezone()
    assert finish(NOW, 3600.0) == f"{expected:%Y-%m-%d %H:%M}"
    assert finish(NOW, 1e15) == "after the year 9999"


@pytest.mark.parametrize("words", [("--targets", "1" + "0" * 400), ("--guard", "nan"), ("--guard", "inf")])
def test_numbers_without_measure_are_refused(words: tuple[str, str]) -> None:
    """What no forecast can be made of ends with a sentence, not with a traceback."""
    result = invoke(*TEN_YEARS, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("Error: ")
