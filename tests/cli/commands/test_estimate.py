"""``hourlyclicks estimate``."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Plan
from hourlyclicks.cli.actions import estimate
from hourlyclicks.cli.actions.estimate import finish
from tests.cli.filled_stores import LATER, TEAM, answer, fill, stock
from tests.cli.serving import invoke
from tests.store.locations import DatabaseLocation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.server import PostgresServer

TEN_YEARS = ("estimate", "--from", "2015-01-01", "--to", "2024-12-31")
NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the time to noon of 1 June 2025."""
    monkeypatch.setattr(estimate, "present", lambda: NOW)


def test_all_plans_are_compared() -> None:
    """Without a plan there is a line for each plan with access, and no key is needed."""
    result = invoke(*TEN_YEARS, env={"HOURLYCLICKS_API_KEY": None})
    assert result.exit_code == 0
    first, _, _, *lines = result.stdout.splitlines()
    assert first == "3,653 requests: 3,653 days, 1 target"
    assert [line[:15].strip() for line in lines] == [plan.value for plan in Plan if plan is not Plan.FREE]
    assert "6 h 53 min" in lines[0]
    assert "1 h 1 min" in lines[-1]
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_ranges_take_fewer_requests() -> None:
    """As many days a request as each plan allows, in 80 columns."""
    words = ("estimate", "--from", "2016-01-01", "--to", "2025-05-31", "--endpoint", "auto")
    first, _, _, *lines = invoke(*words).stdout.splitlines()
    assert first == "3,439 days, 1 target"
    assert [line[33:46].split()[-1] for line in lines] == ["492", "246", "113", "113", "113"]
    assert max(map(len, lines)) <= 80
    (one, *_) = invoke(*words, "--plan", "premium", "--targets", "2").stdout.splitlines()
    assert one == "492 requests: 3,439 days, 2 targets"


def test_one_plan_is_described_in_words() -> None:
    """Requests, duration, what binds, and the end."""
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


def test_the_end_is_in_local_time() -> None:
    """It is on the local clock; an end beyond the calendar is described as such."""
    expected = (NOW + dt.timedelta(hours=1)).astimezone()
    assert finish(NOW, 3600.0) == f"{expected:%Y-%m-%d %H:%M}"
    assert finish(NOW, 1e15) == "after the year 9999"


def test_a_store_spares_what_it_has(tmp_path: Path) -> None:
    """With targets, only the days are counted that a backfill would request now."""
    store = stock(tmp_path / "clicks.db")
    april = ("estimate", "--from", "2025-04-01", "--to", "2025-04-30", "--plan", "premium")
    link = ("--link", "kYdr", "--domain", "https://vvd.bz")
    result = invoke(*april, "--store", str(store), *link, "--group", "7")
    assert result.exit_code == 0
    assert (
        result.stdout.splitlines()[0]
        == "34 requests: 30 days, 2 targets; 26 days in the store need no request"
    )
    in_there: dict[str, str | None] = {"HOURLYCLICKS_STORE": str(store)}
    assert invoke(*april, *link, env=in_there).stdout.startswith("4 requests: 30 days, 1 target; 26 days")
    assert invoke(*april, env=in_there).stdout.startswith("30 requests: 30 days, 1 target\n")
    result = invoke(*april, "--store", str(store))
    assert (result.exit_code, "no target given" in result.stderr) == (2, True)


def test_days_that_can_still_change_count_when_they_are_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a backfill, an hour after their last request."""
    today = LATER.date()
    fill(tmp_path / "clicks.db", TEAM, [answer(today, final=False)])
    words = ("estimate", "--from", str(today), "--to", str(today), "--group", "7", "--plan", "premium")
    counted = []
    for minutes in (59, 60):
        now = LATER + dt.timedelta(minutes=minutes)
        monkeypatch.setattr(estimate, "present", lambda now=now: now)
        counted.append(invoke(*words, "--store", str(tmp_path / "clicks.db")).stdout.split()[0])
    assert counted == ["0", "1"]


def test_what_a_wrong_clock_has_stamped_is_not_spared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days with a time in the future count, in any state."""
    store = stock(tmp_path / "clicks.db")
    monkeypatch.setattr(estimate, "present", lambda: LATER - dt.timedelta(days=2))
    words = (
        "estimate",
        "--from",
        "2025-04-01",
        "--to",
        "2025-04-30",
        "--plan",
        "premium",
        "--store",
        str(store),
    )
    assert invoke(*words, "--link", "kYdr", "--domain", "https://vvd.bz").stdout.startswith("30 requests: ")


def test_a_store_that_is_yet_to_come_spares_nothing(tmp_path: Path) -> None:
    """A missing store, or a new account, has no days; looking makes neither."""
    words = ("estimate", "--last", "2d", "--group", "7", "--plan", "premium", "--store")
    assert invoke(*words, str(tmp_path / "none.db")).stdout.startswith("2 requests: ")
    assert list(tmp_path.glob("none*")) == []
    store = str(stock(tmp_path / "clicks.db"))
    assert invoke(*words, store, "--account-name", "news").stdout.startswith("2 requests: ")
    assert "account-name" not in invoke(*words, store, env={"HOURLYCLICKS_API_KEY": None}).stderr


def test_targets_are_a_number_or_a_file(tmp_path: Path) -> None:
    """A number or a file is read; both together are an error."""
    path = tmp_path / "targets.csv"
    path.write_text("group\n7\n8\n7\n")
    words = ("estimate", "--last", "3d", "--plan", "premium")
    assert invoke(*words, "--targets", str(path)).stdout.startswith("6 requests: 3 days, 2 targets\n")
    for wrong in (("2", "--group", "7"), ("0",), ("1000001",)):
        assert invoke(*words, "--targets", *wrong).exit_code == 2


@pytest.mark.parametrize("words", [("--targets", "1" + "0" * 400), ("--guard", "nan"), ("--guard", "inf")])
def test_numbers_out_of_range_are_errors(words: tuple[str, str]) -> None:
    """Too large numbers end with a sentence, not with a traceback."""
    result = invoke(*TEN_YEARS, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of the machine cannot be changed here")
def test_the_end_is_as_the_clock_will_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run over the night in which clocks change ends at the time shown then."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert finish(dt.datetime(2025, 10, 25, 20, tzinfo=dt.UTC), 10 * 3600) == "2025-10-26 07:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_database_without_a_store_has_no_days(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first backfill every day counts, as with a missing file, and nothing is made."""
    place = DatabaseLocation(asyncio.run(postgres_server.new_database()))
    monkeypatch.setenv("HOURLYCLICKS_STORE", place.dsn)
    result = invoke(*TEN_YEARS, "--account")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("3,653 requests: 3,653 days, 1 target; all days are to be requested")
    schema = "SELECT 1 FROM pg_namespace WHERE nspname = 'hourlyclicks'"
    assert asyncio.run(place.sql(schema)) == []
