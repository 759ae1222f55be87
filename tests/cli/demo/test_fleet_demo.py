"""``hourlyclicks fleet demo``."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks.cli.actions.fleet.demo import Run, Stored, figures, known_to
from hourlyclicks.cli.demo import fleet_processes
from hourlyclicks.cli.demo.fleet_processes import started
from hourlyclicks.cli.demo.fleet_settings import days, key, link
from hourlyclicks.simulator import Simulator
from tests.cli.demo import hasty_worker
from tests.cli.serving import invoke

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator.traffic import Cells

ACCOUNTS = 3
PERIOD = days(2)
FIRST = (link(0), PERIOD.start)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the demonstration make its folder where pytest removes it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_process_is_killed_and_nothing_is_lost(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All hours of all accounts are exact, without a 429, and the folder with the store is gone."""
    monkeypatch.setattr(fleet_processes, "fleet_worker", hasty_worker)
    result = invoke("fleet", "demo", "--accounts", "8", "--days", "4")
    assert result.exit_code == 0
    facts = {each[:12].strip(): each[12:] for each in result.stdout.splitlines()[1:]}
    assert facts["accounts"] == "8 with a key each, 4 days of one link"
    assert facts["killed"].startswith("one of 2 processes, with ")
    assert facts["resumed"].endswith("; nothing requested again")
    assert facts["refused"] == "0 (HTTP 429), as the server counts"
    assert facts["exact"] == "all 768 hours equal the server's figures"
    assert "\x1b" not in result.output
    assert list(temporary.iterdir()) == []


async def test_a_process_that_has_ended_is_not_killed(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the workers are done before their time, none is killed, and the demonstration says so."""
    monkeypatch.setattr(fleet_processes, "WORKERS", 1)
    store = temporary / "clicks.db"
    async with started("http://127.0.0.1:9", store, 0, 1) as workers:
        await workers.wait()
        assert not workers.running
        assert not await workers.kill_one()
    assert workers.killed is None
    assert store.exists()


def test_another_seed_has_other_figures() -> None:
    """The figures of the server depend on the seed."""
    assert cells(Simulator(seed=1)) != cells(Simulator(seed=2))


def cells(server: Simulator) -> dict[tuple[Target, dt.date], Cells]:
    """Return what a server knows of all accounts."""
    return known_to(server, ACCOUNTS, PERIOD)


@pytest.fixture
def run() -> Run:
    """A demonstration that ended as it must."""
    server = Simulator(
        today=dt.date(2025, 7, 1), keys={key(number): "personal" for number in range(ACCOUNTS)}
    )
    known = Stored(cells(server), Counter(cells(server).keys()))
    killed = Stored({FIRST: known.cells[FIRST]}, Counter([FIRST]))
    return Run(ACCOUNTS, PERIOD, server, 2.0, known, killed, 1.0)


def said(run: Run) -> str:
    """Return what is printed."""
    return "\n".join(str(each) for each in figures(run))


def test_it_succeeds(run: Run) -> None:
    """With all days, once, there is nothing to complain about, in 80 columns."""
    assert run.failure() is None
    assert max(map(len, said(run).splitlines())) <= 80


def test_a_missing_day_is_a_failure(run: Run) -> None:
    """A day that is not in the store gives the exit code of incomplete results."""
    less = {day: hours for day, hours in run.stored.cells.items() if day != FIRST}
    run = attrs.evolve(run, stored=Stored(less, run.stored.asked))
    failure = run.failure()
    assert failure is not None
    assert (failure.exit_code, failure.message) == (10, "1 day missing")
    assert "1 day missing or wrong" in said(run)


def test_a_wrong_hour_is_a_failure(run: Run) -> None:
    """A day that differs from the server's in one hour is found."""
    wrong = run.stored.cells | {FIRST: ((7, 8), *run.stored.cells[FIRST][1:])}
    run = attrs.evolve(run, stored=Stored(wrong, run.stored.asked))
    failure = run.failure()
    assert failure is not None
    assert (failure.exit_code, failure.message) == (
        1,
        "unexpected result: 1 wrong, 0 over a limit, 0 requested twice",
    )


def test_a_day_that_is_requested_twice_is_a_failure(run: Run) -> None:
    """What was in the store when the process was killed must not be requested again."""
    run = attrs.evolve(run, stored=Stored(run.stored.cells, run.stored.asked + Counter([FIRST])))
    failure = run.failure()
    assert failure is not None
    assert failure.message.endswith("1 requested twice")
    assert "1 day requested again" in said(run)


def test_requests_over_a_limit_are_a_failure(run: Run) -> None:
    """Both kinds of limits count."""
    run.server.counters.over_limit, run.server.counters.over_concurrency = 2, 1
    failure = run.failure()
    assert failure is not None
    assert "3 over a limit" in failure.message


def test_no_process_was_killed(run: Run) -> None:
    """When all ended before, nothing is said of it."""
    run = attrs.evolve(run, killed=None)
    assert run.failure() is None
    assert "killed" not in said(run)
