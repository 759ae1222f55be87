"""Statements of SQLite that fail, each in turn: no error of SQLite leaves a store as it is."""

from __future__ import annotations

import datetime as dt
import sqlite3
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import HourlyClicksError, StoreError
from hourlyclicks.store.ledger import DayState, LedgerEntry
from hourlyclicks.store.sqlite import SqliteStore
from tests.model.strategies import NOON, a_day
from tests.sizes import sized
from tests.store.answers import ALL, ME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAYS = list(ALL)
CONNECT = sqlite3.connect


class Faults:
    """Counts the statements, and lets something go wrong at one of them.

    Args:
        number: at which.
        happens: what happens then; called before the statement.
    """

    def __init__(self, number: int, happens: Callable[[], None]) -> None:
        self.number = number
        self.happens = happens
        self.seen = 0

    def count(self) -> None:
        """Count a statement."""
        self.seen += 1
        if self.seen == self.number:
            self.happens()

    def connect(self, path: Any, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - as `sqlite3.connect`
        """Return a connection whose statements are counted, and its opening and closing as well."""
        self.count()
        faults = self

        class Faulty(sqlite3.Connection):
            def execute(self, *words: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as in the base
                faults.count()
                return super().execute(*words)

            def close(self) -> None:
                super().close()
                faults.count()

        return CONNECT(path, **options, factory=Faulty)


def cannot_open() -> None:
    """Fail as SQLite does without its folder."""
    raise sqlite3.OperationalError("unable to open database file")


async def use(store: SqliteStore) -> None:
    """Do what a client does: write, read, look at the limit, take a step of it, and close."""
    async with store:
        account = await store.account("key")
        await store.put(account, ME, a_day(DAYS[0]), requests=1)
        await store.record_failure(account, ME, LedgerEntry(DAYS[1], DayState.FAILED, NOON, 1))
        await store.read(account, ME, ALL)
        await store.pace(account, lambda *_: (None, 1), peek=True)
        await store.pace(account, lambda *_: ("{}", 1), of=(ME, DAYS[0]))


async def _every_statement(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None], store: Callable[[int], SqliteStore]
) -> list[HourlyClicksError | None]:
    """Use a store again and again, with a fault at each statement in turn; return how each use ended."""
    ends: list[HourlyClicksError | None] = []
    monkeypatch.setattr("hourlyclicks.store.file_guard._SETTLING", 0.01)
    for number in count(1, sized(3, 1)):
        faults = Faults(number, happens)
        monkeypatch.setattr(sqlite3, "connect", faults.connect)
        faulty = store(number)
        try:
            await use(faulty)
        except HourlyClicksError as error:
            ends.append(error)
        else:
            ends.append(None)
        await faulty.close()
        if faults.seen < number:
            return ends
    raise AssertionError


async def test_an_error_of_any_statement_is_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of those that look at the file, and of those that close it; a few errors do no harm at all."""

    def fresh(number: int) -> SqliteStore:
        return SqliteStore(tmp_path / f"{number}.db", patience=0)

    ends = await _every_statement(monkeypatch, cannot_open, fresh)
    assert ends[-1] is None
    assert {type(end) for end in ends} == {StoreError, type(None)}
    assert sum(end is None for end in ends) < len(ends) / 2


async def test_a_folder_that_is_renamed_at_any_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store ends with its own error."""
    folders = [tmp_path / "0"]

    def fresh(number: int) -> SqliteStore:
        folders.append(tmp_path / str(number))
        folders[-1].mkdir()
        return SqliteStore(folders[-1] / "clicks.db", patience=0)

    def rename() -> None:
        folders[-1].rename(folders[-1].with_suffix(".elsewhere"))

    ends = await _every_statement(monkeypatch, rename, fresh)
    assert {type(end) for end in ends} <= {StoreError, type(None)}


@pytest.mark.parametrize("happens", [cannot_open])
async def test_a_reader_translates_errors_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]
) -> None:
    """Opened read-only, too."""
    path = tmp_path / "clicks.db"
    async with SqliteStore(path) as store:
        account = await store.account("key")
        await store.put(account, ME, a_day(dt.date(2024, 1, 1)), requests=1)
    for number in count(1):
        faults = Faults(number, happens)
        monkeypatch.setattr(sqlite3, "connect", faults.connect)
        try:
            async with SqliteStore(path, read_only=True, patience=0) as store:
                await store.read(account, ME, ALL)
        except StoreError:
            continue
        if faults.seen < number:
            return
