"""The contenders do the work, all of it: those that need no environment of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.peers.contenders import CONTENDERS, command
from benchmarks.peers.slices import HOURS, WrongError, check, days, expected, rows_of
from benchmarks.processes import ROOT
from tests.marks import thorough_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.slices import Row

HERE = [name for name, contender in CONTENDERS.items() if not contender.environment and not contender.without]
DAYS = 40


@pytest.mark.parametrize("name", HERE)
def test_a_contender_does_the_work(nginx: str, name: str) -> None:
    """Every row of every day comes, once and in its place."""
    if CONTENDERS[name].options.get("run") == "uvloop:run":
        pytest.importorskip("uvloop")
    fetch = CONTENDERS[name].load()
    assert check(fetch(nginx, days(DAYS), 3), DAYS) == sum(clicks for _, _, clicks, _ in expected(DAYS))


@thorough_only
def test_ours_does_without_msgspec(nginx: str) -> None:
    """What is called plain does the work in a process that cannot import msgspec, and tells what it took."""
    words = command("ours_plain", nginx, days=DAYS, concurrency=3)
    done = subprocess.run(words, capture_output=True, check=True, cwd=ROOT)  # noqa: S603 - a module of ours
    assert json.loads(done.stdout).keys() == {"wall", "user", "sys", "peak", "versions"}
    imports = "from benchmarks.peers.contenders import CONTENDERS"
    loading = f"{imports}; CONTENDERS['ours_plain'].load(); import msgspec"
    done = subprocess.run([sys.executable, "-c", loading], capture_output=True, check=False, cwd=ROOT)  # noqa: S603 - the line above
    assert b"ModuleNotFoundError: import of msgspec halted" in done.stderr


def test_our_imports_are_not_timed(nginx: str) -> None:
    """What the client loads with its first call is loaded beforehand, as the libraries of the others are."""
    imports = "import sys; from benchmarks.peers import contenders, slices"
    loading = "fetch = contenders.CONTENDERS['ours'].load(); before = set(sys.modules)"
    working = f"fetch({nginx!r}, slices.days(1), 1); print(*set(sys.modules) - before)"
    words = [sys.executable, "-c", f"{imports}; {loading}; {working}"]
    done = subprocess.run(words, capture_output=True, check=True, text=True, cwd=ROOT)  # noqa: S603 - the lines above
    libraries = {"cattrs", "hourlyclicks", "msgspec", "tenacity"}
    assert not {name for name in done.stdout.split() if name.partition(".")[0] in libraries}


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
    """The contenders believe no answer but that for the day they asked for."""
    with pytest.raises(WrongError):
        rows_of(document, "2014-01-01")
