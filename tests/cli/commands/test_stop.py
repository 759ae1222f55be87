"""``hourlyclicks stop``, and running backfills in ``hourlyclicks status``."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cli.filled_stores import LINK as KNOWN
from tests.cli.filled_stores import answer, days, fill
from tests.cli.serving import (
    APRIL,
    LINK,
    NOW_ASKED,
    ONE_AT_A_TIME,
    PATIENCE,
    Barrier,
    invoke,
    serving,
    start_numbered,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}


@contextmanager
def running(store: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int, Barrier]]:
    """Start a backfill of April, and wait until its sixth request is held back by the server.

    Yields what stands for its process, the number of its process, and what the server waits for.
    """
    barrier = Barrier(NOW_ASKED)
    asked = ("--store", str(store), *LINK, *APRIL, *ONE_AT_A_TIME, *words)
    with serving(faults=barrier) as server:
        with start_numbered("backfill", *asked, "--base-url", server.url) as (process, number):
            try:
                assert barrier.reached.wait(PATIENCE)
                yield process, number, barrier
            finally:
                barrier.opened.set()
        assert server.counters.requests == NOW_ASKED


def keyless(command: str, store: Path, *words: str) -> Result:
    """Run a command on a store, without a key."""
    return invoke(command, "--store", str(store), *words, env=KEYLESS)


def test_a_running_backfill_is_shown_and_stopped(path: Path) -> None:
    """It sends nothing more, keeps the response to its last request, and can be resumed under its name."""
    with running(path, "--name", "nightly") as (process, number, barrier):
        [shown] = json.loads(keyless("status", path, "--running", "--format", "json").stdout)
        assert (shown["name"], shown["pid"], shown["stopping"]) == ("nightly", number, False)
        named, progress = keyless("status", path, "--running").stdout.splitlines()[1:]
        assert re.fullmatch(rf"  running  nightly, process {number} on \S+, since \d\d:\d\d", named)
        assert re.fullmatch(r"           2\d requests to go, ends at \d\d:\d\d \(in \d+ s\)", progress)
        assert named in keyless("status", path).stdout.splitlines()
        brief = rf"  running  nightly, process {number} on \S+: 2\d requests to go, done at \d\d:\d\d"
        assert re.search(f"^{brief}$", keyless("status", path, "--summary").stdout, re.MULTILINE)
        assert keyless("stop", path, "--name", "hourly").exit_code == 14
        asked = keyless("stop", path, "--name", "nightly")
        assert (asked.exit_code, asked.stderr) == (0, "")
        assert asked.stdout == f"asked to stop: nightly, process {number} on {shown['host']}\n"
        assert keyless("status", path, "--running").stdout.splitlines()[-1] == "           asked to stop"
        barrier.opened.set()
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "it was asked to stop by `hourlyclicks stop`." in err
    assert f"  fetched    {NOW_ASKED} days" in err
    assert "--name nightly" in err
    assert keyless("status", path, "--running").stdout == "No backfill is running.\n"


def test_a_killed_backfill_is_known_at_once(path: Path) -> None:
    """It is neither shown as running nor counted as stopped."""
    with running(path) as (process, number, _):
        process.kill()
        process.communicate(timeout=PATIENCE)
        assert keyless("status", path, "--running").stdout.splitlines()[1].startswith("  killed   process ")
        stopped = keyless("stop", path)
    assert (stopped.exit_code, stopped.stderr) == (14, "Error: no run is in progress on the store\n")
    assert stopped.stdout.startswith(f"killed before: process {number} on ")


@pytest.mark.parametrize("word", ["", "a\tb", "x" * 65])
def test_a_name_is_checked(path: Path, word: str) -> None:
    """One that cannot be shown on a line is an error before anything else."""
    assert keyless("stop", path, "--name", word).exit_code == 2
    assert invoke("backfill", "--store", str(path), *LINK, *APRIL, "--name", word).exit_code == 2
    assert not path.exists()


def test_nothing_is_made_where_nothing_runs(path: Path) -> None:
    """No store is an error; a store on which nothing runs stays as it is."""
    assert keyless("stop", path).exit_code == 12
    assert not path.exists()
    fill(path, KNOWN, map(answer, days("2025-04-01", 3)))
    before = path.read_bytes()
    result = keyless("stop", path)
    assert (result.exit_code, result.stderr) == (14, "Error: no run is in progress on the store\n")
    assert path.read_bytes() == before


def test_a_state_that_cannot_be_read_hides_no_days(path: Path) -> None:
    """`status` says so, and shows the days."""
    fill(path, KNOWN, map(answer, days("2025-04-01", 3)))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO pacing SELECT id, 'damaged' FROM accounts")
    shown = keyless("status", path).stdout
    assert "\n  running  unknown: the store " in shown
    assert "the shared rate limit in the store cannot be read" in " ".join(shown.split())
    assert "\n  3 final\n" in shown
    assert keyless("status", path, "--running").exit_code == 12
