"""``hourlyclicks fetch --daily``, end to end over a socket."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import TYPE_CHECKING

from hourlyclicks import Link
from hourlyclicks.cli.steps import fetching as module
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.simulator import Close, Envelope, RangeRules, Rule, Script
from hourlyclicks.simulator.traffic import day_figures
from tests.cli.serving import APRIL, FAST, LINK, invoke, serving

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from hourlyclicks.simulator import Simulator

COMMON = ("fetch", "--daily", *LINK, *APRIL)


def truth_of(server: Simulator) -> list[tuple[str, int | None, int | None]]:
    """Return the sums that the server has for April."""
    truth = server.cells(Link("kYdr", "https://vvd.bz"), "2025-04-01", "2025-04-30")
    return [(str(date), *day_figures(cells)) for date, cells in truth.items()]


def test_sums_in_each_format(server: Simulator) -> None:
    """CSV and JSON Lines have a line for each day, and a table fits 80 columns.

    Without a plan, one range is refused before the length of 14 days is known.
    """
    words = (*COMMON, *FAST, "--base-url", server.url)
    result = invoke(*words, "--format", "csv")
    assert result.exit_code == 0
    rows = [*csv.DictReader(io.StringIO(result.stdout))]
    known = [
        (row["date"], *[int(row[n]) if row[n] else None for n in ("clicks", "unique_users")]) for row in rows
    ]
    assert known == truth_of(server)
    assert result.stderr.splitlines()[-1].endswith(": 4 requests, 0 retries, 0 HTTP 429s, 0 pauses")
    lines = invoke(*words, "--format", "jsonl").stdout.splitlines()
    assert [(row["date"], row["clicks"], row["unique_users"]) for row in map(json.loads, lines)] == known
    table = invoke(*words).stdout.splitlines()
    date, clicks, users = known[1]
    assert table[4] == f"{date} Wed  {clicks:>11,}  {users:>12,}"
    assert (len(table), table[2], max(map(len, table)) < 80) == (
        35,
        "day                  clicks  unique users",
        True,
    )


def test_a_plan_says_how_long_a_range_is(tmp_path: Path) -> None:
    """A named plan costs no refused request; with a store, the next run costs none at all."""
    with serving(plan="premium") as server:
        store = ("--store", str(tmp_path / "clicks.db"))
        words = (
            *COMMON,
            "--plan",
            "premium",
            "--base-url",
            server.url,
            *store,
            "-o",
            str(tmp_path / "days.csv"),
        )
        assert invoke(*words).exit_code == 0
        assert server.counters.requests == 3
        again = invoke(*words)
        assert server.counters.requests == 3
    assert "30 days (30 of them from the store) in" in again.stderr
    assert (tmp_path / "days.csv").read_text("utf-8").count("\n") == 31


def test_days_that_are_missing() -> None:
    """They are named with the reason, and the command line for them has the option."""
    refusal = Envelope({"code": 7, "message": "too old", "result": None})
    day = Rule(refusal, day=dt.date(2025, 4, 10))
    with serving(plan="enterprise", faults=Script(day), ranges=RangeRules(cap=31)) as server:
        result = invoke(*COMMON, *FAST, "--base-url", server.url, "--partial", "--format", "csv")
    assert result.exit_code == 10
    assert "missing: 2025-04-10: the API answered code 7: too old" in result.stderr
    assert "fetch --link kYdr" in result.stderr
    assert "--daily" in result.stderr.splitlines()[-2]
    assert "2025-04-10,,,not_fetched" in result.stdout


def test_no_answer_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is that of the network, and nothing is written."""
    monkeypatch.setattr(module, "RETRY", RetryPolicy(attempts=1))
    with serving(faults=Script(Rule(Close()))) as server:
        result = invoke(*COMMON, *FAST, "--base-url", server.url, "--fail-fast")
    assert (result.exit_code, result.stdout) == (6, "")
