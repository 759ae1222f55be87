"""The cost model of fleets: what it computes from known inputs, and the page that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report import MarkerError, Part, Report
from benchmarks.results import Section
from benchmarks.scale import model
from benchmarks.scale.model import Inputs, Machine
from benchmarks.scale.page import PAGE, filled, inputs_of

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = Inputs(
    when="2026-11-29T20:00:00+00:00",
    machine="A machine.",
    worker=0.002,
    database=0.001,
    commits=1.0,
    statements=5.0,
    wal=2_000.0,
    stored=400.0,
    indexes=50.0,
    waiting=50_000.0,
    disk=2_000.0,
)


def rows_of(table: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401 - a table
    """Return the figures of a table by the names of its rows."""
    return {name: tuple(figures) for name, *figures in table.rows}


def test_a_year_of_a_million_accounts() -> None:
    """A million accounts that need a year within a day need 4,225 requests a second."""
    rows = rows_of(model.needs(INPUTS, Machine(), model.YEAR))
    assert rows["requests a second, a day each"][-1] == "4,225"
    assert rows["requests a second, ranges of 7 days"][-1] == "604"
    assert rows["commits a second, at most"][-1] == "4,225"
    assert rows["processor time of workers, minutes"][-1] == "12,167"
    assert rows["write-ahead log, GB a day"][-1] == "730"
    assert 28_000 < float(rows["accounts active at a time"][-1].replace(",", "")) < 29_000
    assert rows["worker processes"][-1] == "13"  # 350 days a second each, with 70 % of a core
    assert rows["connections"][-1] == "52"
    assert rows["databases"][-1] == "4"  # 1,400 commits a second each; the indexes alone need one


def test_a_night_of_a_million_accounts() -> None:
    """A nightly refresh of a million accounts is 23 requests a second, for which one process is enough."""
    rows = rows_of(model.needs(INPUTS, Machine(), model.NIGHTLY))
    assert rows["requests a second, a day each"][-1] == "23.1"
    assert rows["requests a second, ranges of 7 days"][-1] == "11.6"
    assert rows["worker processes"] == ("1",) * 4
    assert rows["databases"] == ("1",) * 4


def test_what_is_used_up_first_is_at_the_top() -> None:
    """The resources are in the order in which they are used up."""
    table = model.limits(INPUTS, Machine())
    carried = [float(row[1].replace(",", "")) for row in table.rows]
    assert carried == sorted(carried)
    assert table.rows[0][0] == "processor: one core of a process"
    scarce = attrs.evolve(INPUTS, disk=10.0)
    assert model.limits(scarce, Machine()).rows[0][0] == "commits of a database"


@given(st.integers(1, 10**6), st.floats(1e-4, 1), st.floats(0.1, 10), st.floats(10, 1e5))
def test_one_more_database_is_always_enough(
    accounts: int, worker: float, commits: float, disk: float
) -> None:
    """The databases of the model carry what is asked of them, and one fewer does not."""
    inputs = attrs.evolve(INPUTS, worker=worker, commits=commits, disk=disk)
    days = model.YEAR.rate(accounts)
    number = model.databases(inputs, Machine(), days, accounts)
    carried = model.database_resources(inputs, Machine())[0].carries
    indexes = accounts * 365 * inputs.indexes
    assert number * carried >= days * (1 - 1e-9)
    assert number * Machine().memory >= indexes
    assert number == 1 or (number - 1) * carried < days or (number - 1) * Machine().memory < indexes


def test_the_page_shows_what_the_model_makes_of_the_stored_inputs() -> None:
    """``python -m benchmarks.scale.page`` would change nothing."""
    page = PAGE.read_text("utf-8")
    assert filled(page, Inputs.load()) == page


def test_inputs_are_stored_as_they_are(tmp_path: Path) -> None:
    """What is written is read again."""
    INPUTS.save(tmp_path / "inputs.json")
    assert Inputs.load(tmp_path / "inputs.json") == INPUTS


def test_a_page_without_markers_is_an_error() -> None:
    """A table whose place is missing is not left out silently."""
    with pytest.raises(MarkerError, match="measured"):
        filled("# Nothing\n", INPUTS)


def test_inputs_come_from_a_full_run() -> None:
    """The inputs are those of two processes, for a day each; a quick run does not count."""
    run = {
        "days": 10,
        "processor": 0.5,
        "load": {"processor": 0.1, "commits": 12, "statements": 70, "wal": 90},
    }
    figures = {
        "ways": {"`run_jobs`, two processes": run},
        "storing": {"stored": 400.0, "indexes": 50.0, "commits": 2_000.0},
        "waiting": {"bytes": 50_000.0},
    }
    machine = {"cpu": "One", "cores": 2, "kernel": "Linux", "python": "CPython"}
    part = Part("now", quick=False, section=Section(figures=figures))
    inputs = inputs_of(Report("now", machine, {"scale": part}))
    assert (inputs.worker, inputs.database, inputs.commits) == (0.05, 0.01, 1.2)
    assert (inputs.statements, inputs.wal, inputs.waiting, inputs.disk) == (7, 9, 50_000, 2_000)
    with pytest.raises(ValueError, match="full run"):
        inputs_of(Report("now", machine, {"scale": attrs.evolve(part, quick=True)}))
