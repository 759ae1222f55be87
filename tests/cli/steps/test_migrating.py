"""Stores of older versions on the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.cli.exits import CommandError
from hourlyclicks.cli.options.stores import StoreChoice
from hourlyclicks.cli.steps import migrating
from hourlyclicks.cli.steps.migrating import MigrationMessages
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.store import sqlite_migration
from tests.cli.serving import invoke
from tests.store.older_stores import older_file

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.simulator import Simulator

LINK = ("--link", "kYdr", "--domain", "https://vvd.bz")


@pytest.fixture
def older(path: Path) -> Path:
    """Make a store of version 2, with an account that has a name."""
    older_file(path, 2)
    with closing(sqlite3.connect(path)) as db, db:
        (salt,) = db.execute("SELECT value FROM properties WHERE name = 'salt'").fetchone()
        db.execute("UPDATE accounts SET fingerprint = ? WHERE id = 1", (fingerprint_of("me", salt),))
    return path


@pytest.fixture
def chatty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell of every batch, of three days each."""
    monkeypatch.setattr(migrating, "_QUIET", -1.0)
    monkeypatch.setattr(migrating, "_EVERY", 0.0)
    monkeypatch.setattr(sqlite_migration, "BATCH", 3)


def test_progress_is_told_from_time_to_time(capsys: pytest.CaptureFixture[str]) -> None:
    """Not at all in the first second, and then every five."""
    moments = iter([100.0, 100.5, 101.5, 101.5, 103.0, 106.6, 106.6])
    messages = MigrationMessages(lambda: next(moments))
    for done in (2_000, 4_000, 6_000, 8_000):
        messages(done, 3_650_000)
    assert capsys.readouterr().err.splitlines() == [
        "migrating the store, once: 4,000 of 3,650,000 days",
        "migrating the store, once: 8,000 of 3,650,000 days",
    ]
    assert messages.told


def test_commands_that_read_do_not_migrate(older: Path) -> None:
    """They read the older tables as they are."""
    before = older.read_bytes()
    exported = invoke("export", "--store", str(older), "--account-name", "me", "--account")
    assert exported.exit_code == 0
    assert "account,2024-02-25,1,3,2,reported" in exported.stdout.splitlines()
    shown = invoke("status", "--store", str(older), "--account-name", "me")
    assert "https://vvd.bz/kYdr" in shown.stdout
    assert older.read_bytes() == before


@pytest.mark.usefixtures("chatty")
@pytest.mark.parametrize("command", ["backfill", "fetch"])
def test_commands_that_write_migrate(server: Simulator, older: Path, command: str) -> None:
    """They tell how far it is, and then do their work."""
    words = (command, "--store", str(older), "--account-name", "me", *LINK, "--base-url", server.url)
    result = invoke(*words, "--from", "2024-02-25", "--to", "2024-02-26")
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    assert lines[0] == "migrating the store, once: 3 of 31 days"
    assert "the store is migrated" in lines
    assert server.counters.requests == 0
    again = invoke(*words, "--from", "2024-02-25", "--to", "2024-02-26")
    assert "migrat" not in again.stderr


@pytest.mark.usefixtures("chatty")
def test_an_interrupted_migration_goes_on(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is answered with that."""
    choice = StoreChoice(str(older), None, by_option=True)

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt(line)

    with monkeypatch.context() as patch:
        patch.setattr(migrating, "say", interrupt)
        with pytest.raises(CommandError, match="the next command continues the migration"):
            migrating.migrate(choice)
    migrating.migrate(choice)
    assert invoke("export", "--store", str(older), "--account-name", "me").exit_code == 0
