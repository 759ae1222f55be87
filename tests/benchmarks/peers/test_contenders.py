from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.peers.contest import Contender, Failure, Rules, Run, run
from benchmarks.peers.environments import ROOT
from benchmarks.peers.slices import HOURS, WrongError, check, days, expected, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.peers.slices import Row


def contender(module: str) -> Contender:
    """Return one that runs here."""
    return Contender(module, module, "speedups")


HERE = (
    "naive",
    "obvious",
    "ours",
    "raw_sockets",
    "raw_sockets_orjson",
    "tuned",
    "tuned_msgspec",
    "tuned_orjson",
)
DAYS = 40


@pytest.mark.parametrize("module", HERE)
def test_a_contender_does_the_work(nginx: str, module: str) -> None:
    """Every row of every day comes once and in its place."""
    fetch = importlib.import_module(f"benchmarks.peers.{module}").fetch
    assert check(fetch(nginx, days(DAYS), 3), DAYS) == sum(clicks for _, _, clicks, _ in expected(DAYS))


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run on Windows")
@pytest.mark.parametrize("module", ["naive_uvloop", "ours_uvloop"])
def test_a_contender_does_the_work_on_uvloop(nginx: str, module: str) -> None:
    """So it does on the other event loop."""
    fetch = importlib.import_module(f"benchmarks.peers.{module}").fetch
    assert check(fetch(nginx, days(DAYS), 3), DAYS)


def test_ours_does_without_msgspec(nginx: str) -> None:
    """The plain contender has no msgspec even where it is installed."""
    script = (
        "import json, sys\n"
        "from benchmarks.peers.ours_plain import fetch\n"
        "from benchmarks.peers.slices import check, days\n"
        f"clicks = check(fetch({nginx!r}, days({DAYS}), 3), {DAYS})\n"
        "print(json.dumps([clicks, sys.modules['msgspec'] is None]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, cwd=ROOT)  # noqa: S603 - the script above
    assert json.loads(done.stdout) == [sum(clicks for _, _, clicks, _ in expected(DAYS)), True]


def test_a_run_is_measured_in_a_process_of_its_own(nginx: str) -> None:
    """All figures come back, and they are what such a process can have."""
    seen = run(
        contender("raw_sockets"),
        sys.executable,
        Rules(nginx, DAYS, None, 60.0),
        concurrency=3,
        round_=7,
    )
    assert isinstance(seen, Run)
    assert (seen.contender, seen.concurrency, seen.round, seen.days) == ("raw_sockets", 3, 7, DAYS)
    assert seen.speed > 0
    assert seen.cpu >= 0
    assert seen.peak > 2**20


def test_a_run_that_fails_says_why() -> None:
    """The last line of its output is kept."""
    rules = Rules("http://127.0.0.1:9", DAYS, None, 60.0)
    seen = run(contender("no_such_contender"), sys.executable, rules, concurrency=1, round_=0)
    assert isinstance(seen, Failure)
    assert "no_such_contender" in seen.reason


def test_a_run_that_takes_too_long_is_ended() -> None:
    """Then that is the reason."""
    rules = Rules("http://127.0.0.1:9", DAYS, None, 0.001)
    seen = run(contender("raw_sockets"), sys.executable, rules, concurrency=1, round_=0)
    assert seen == Failure("raw_sockets", 1, 0, "took more than 0.001 s")


def test_a_run_without_an_interpreter_fails(tmp_path: Path) -> None:
    """An environment may be damaged."""
    rules = Rules("http://127.0.0.1:9", DAYS, None, 60.0)
    assert isinstance(
        run(contender("raw_sockets"), str(tmp_path / "python"), rules, concurrency=1, round_=0), Failure
    )


def with_figures_of(row: Row, other: Row) -> Row:
    """Return an hour with the figures of another."""
    return (*row[:2], *other[2:])


def without_the_last(rows: list[Row]) -> list[Row]:
    """Lose a row."""
    return rows[:-1]


def with_one_doubled(rows: list[Row]) -> list[Row]:
    """Have a row twice."""
    return [*rows, rows[5]]


def with_one_for_another(rows: list[Row]) -> list[Row]:
    """Have a row twice and lose its neighbour."""
    return [rows[1], *rows[1:]]


def with_figures_swapped(rows: list[Row]) -> list[Row]:
    """Give two hours each other's figures."""
    one, other = rows[3], rows[4]
    return [*rows[:3], with_figures_of(one, other), with_figures_of(other, one), *rows[5:]]


def with_days_swapped(rows: list[Row]) -> list[Row]:
    """Give two days each other's figures."""
    others = rows[HOURS:] + rows[:HOURS]
    return [with_figures_of(row, other) for row, other in zip(rows, others, strict=True)]


@pytest.mark.parametrize(
    "spoil",
    [without_the_last, with_one_doubled, with_one_for_another, with_figures_swapped, with_days_swapped],
)
def test_work_not_done_is_noticed(spoil: Callable[[list[Row]], list[Row]]) -> None:
    """A row that is missing, doubled or in the wrong place is no work done."""
    rows = list(expected(2))
    assert check(reversed(rows), 2)
    with pytest.raises(WrongError):
        check(spoil(rows), 2)


@pytest.mark.parametrize(
    "document",
    [
        {"code": 7, "message": "no", "result": []},
        {"code": 0, "message": "", "result": [{"ymd": "2014-01-01"}, {"ymd": "2014-01-02"}]},
    ],
)
def test_an_answer_that_says_no_or_another_day_is_wrong(document: dict[str, Any]) -> None:
    """The contenders accept only an answer for the requested day."""
    with pytest.raises(WrongError):
        rows_of(document, "2014-01-01")
