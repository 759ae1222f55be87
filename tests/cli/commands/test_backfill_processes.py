"""A backfill as a process: Ctrl-C, SIGTERM, kill -9 and a real terminal."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.simulator import Hang, Late
from tests.cli.serving import (
    APRIL,
    FAST,
    LINK,
    NOW_ASKED,
    ONE_AT_A_TIME,
    PATIENCE,
    Stopper,
    invoke,
    read_all,
    serving,
    start,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.simulator import Fault, Simulator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and terminals are different there")


SHORT = 15.0
"""Seconds, fewer than the wait for a locked store."""


class Waiting:
    """A backfill of April that requests one day at a time, with its sixth request in flight."""

    def __init__(self, process: subprocess.Popen[str], server: Simulator) -> None:
        self.process = process
        self.server = server
        self.url = server.url

    def press(self, name: signal.Signals) -> None:
        """Send a signal, and wait until it is handled."""
        self.process.send_signal(name)
        assert self.process.stderr is not None
        assert any(line.startswith("stopping: ") for line in self.process.stderr)

    def end(self, patience: float = PATIENCE) -> tuple[int, str]:
        """Wait for the end; return the exit code and stderr."""
        _, err = self.process.communicate(timeout=patience)
        return self.process.returncode, err


@contextmanager
def waiting(store: Path, fault: Fault, *more: str) -> Iterator[Waiting]:
    """Start a backfill, and wait until its sixth request, and each one after it, meets a fault."""
    stopper = Stopper(NOW_ASKED, fault)
    words = ("--store", str(store), *LINK, *APRIL, *ONE_AT_A_TIME, *more)
    with serving(faults=stopper) as server, start("backfill", *words, "--base-url", server.url) as process:
        assert stopper.reached.wait(PATIENCE)
        yield Waiting(process, server)


def known(store: Path) -> int:
    """Return how many final days a store has."""
    found = json.loads(invoke("status", "--store", str(store), "--format", "json").stdout)
    return int(sum(each["days"]["final"] for each in found))


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_backfill_that_is_stopped_keeps_what_is_in_flight(tmp_path: Path, name: signal.Signals) -> None:
    """Every request that was sent is in the store; the report is complete, and the run can be resumed."""
    store = tmp_path / "clicks.db"
    report = tmp_path / "run.json"
    with waiting(store, Late(0.5), "--report", str(report)) as run:
        run.press(name)
        code, err = run.end()
    kept = json.loads(report.read_text("utf-8"))
    assert (kept["exit_code"], kept["stopped"], kept["done"]) == (130, "stopped", known(store))
    assert (code, run.server.counters.requests) == (130, known(store))
    by = "Ctrl-C" if name is signal.SIGINT else "SIGTERM"
    assert f": it was asked to stop by {by}.\n" in err
    assert f"  fetched    {known(store)} days" in err
    assert f"  remaining  {30 - known(store)} days" in err
    line = next(line for line in err.splitlines() if line.startswith("  hourlyclicks backfill "))
    with serving() as server:
        words = shlex.split(line.replace(run.url, server.url))
        assert invoke(*words[1:]).exit_code == 0
        assert server.counters.requests == 30 - run.server.counters.requests
    assert known(store) == 30


def test_a_second_ctrl_c_ends_a_backfill_at_once(tmp_path: Path) -> None:
    """Requests in flight are not waited for; what was stored before stays."""
    store = tmp_path / "clicks.db"
    report = tmp_path / "run.json"
    with waiting(store, Hang(), "--report", str(report)) as run:
        run.press(signal.SIGINT)
        run.process.send_signal(signal.SIGINT)
        code, err = run.end()
    kept = json.loads(report.read_text("utf-8"))
    assert (kept["exit_code"], kept["stopped"], kept["done"]) == (130, "stopped", NOW_ASKED - 1)
    assert (code, known(store)) == (130, NOW_ASKED - 1)
    assert err.splitlines()[-1] == "Error: interrupted; requests under way are lost"
    assert "  hourlyclicks backfill --store" in err
    assert "Traceback" not in err


def test_a_second_ctrl_c_waits_for_no_lock(tmp_path: Path) -> None:
    """It ends at once even if another program has locked the store."""
    store = tmp_path / "clicks.db"
    with waiting(store, Late(0.2)) as run, closing(sqlite3.connect(store, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        run.press(signal.SIGINT)
        run.process.send_signal(signal.SIGINT)
        code, err = run.end(SHORT)
    assert (code, known(store)) == (130, NOW_ASKED - 1)
    assert "Traceback" not in err


def test_a_store_that_is_removed_ends_a_backfill(tmp_path: Path) -> None:
    """Days that are not on disk are not reported: exit code 12, and no further request."""
    store = tmp_path / "clicks.db"
    with waiting(store, Late(0.2)) as run:
        for suffix in ("", "-wal", "-shm"):
            store.with_name(store.name + suffix).unlink()
        code, err = run.end()
        asked = run.server.counters.requests
    assert (code, asked) == (12, NOW_ASKED)
    assert f"the store {store}: " in err
    assert (
        "was removed or renamed while it was in use" in err
    )  # the file, or the one beside it that was removed first
    assert not store.exists()


def test_a_backfill_that_is_killed_is_resumed(tmp_path: Path) -> None:
    """After kill -9 during a full window, only the missing days are requested."""
    store = tmp_path / "clicks.db"
    words = ("backfill", "--store", str(store), *LINK, *APRIL)
    with serving() as server:
        slow = ("--limit", "5/600", "--base-url", server.url)
        with start(*words, *slow) as process:
            while (
                invoke("status", "--store", str(store)).exit_code or known(store) < 5
            ):  # it will not be more
                assert process.poll() is None
            process.kill()
            process.communicate(timeout=PATIENCE)
        assert known(store) == 5
        assert invoke(*words, *FAST, "--base-url", server.url).exit_code == 0
        assert set(server.counters.asked.values()) == {1}
        assert server.counters.requests == 30


def test_a_terminal_sees_a_backfill_live(server: Simulator, tmp_path: Path) -> None:
    """Days done and to go, the local time of the end, the rate, and what binds; then the report."""
    import pty  # noqa: PLC0415 - there is none on every system

    terminal, end = pty.openpty()
    words = ("--store", str(tmp_path / "clicks.db"), *LINK, *APRIL, *FAST, "--base-url", server.url)
    with start("backfill", *words, stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        shown = read_all(terminal)
        process.wait(PATIENCE)
    os.close(terminal)
    assert process.returncode == 0
    for text in (" of 30 days, ", " to go", " left, until ", ", bound by ", " in the last minute, 0 retries"):
        assert text in shown
    assert "  fetched    30 days" in shown


def test_a_terminal_sees_nothing_of_a_quiet_backfill(server: Simulator, tmp_path: Path) -> None:
    """Neither a live view nor a report."""
    import pty  # noqa: PLC0415 - as above

    terminal, end = pty.openpty()
    words = ("--store", str(tmp_path / "clicks.db"), *LINK, *APRIL, *FAST, "--base-url", server.url)
    with start("backfill", *words, "--quiet", stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        shown = read_all(terminal)
        process.wait(PATIENCE)
    os.close(terminal)
    assert (process.returncode, shown) == (0, "")
