"""Inspecting a SQLite file, with its log (``-wal``) or without it.

The *generation* of a store is a number in its tables that is raised after each checkpoint, in the log. So
the generation in the main file equals the one in the log, or is one less. Any other value means that the two
do not belong together: one of them was replaced.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.errors import StoreError
from hourlyclicks.store.sqlite_cells import last_text

if TYPE_CHECKING:
    from hourlyclicks.model.day import DayClicks

SALT = "SELECT value FROM properties WHERE name = 'salt'"
GENERATION = "SELECT value FROM properties WHERE name = 'generation'"
SCHEMA = "PRAGMA schema_version"
NEW_GENERATION = "INSERT OR REPLACE INTO properties VALUES ('generation', ?)"
_DAY = "SELECT 1 FROM days WHERE series_id = ? AND date = ? AND fetched_at >= ?"

_LOG_HEADER = 32
_TRIES, _PAUSE = 5, 0.02
"""Another process may write between two reads."""


@attrs.frozen
class FileContent:
    """The properties that identify the content of a file.

    Args:
        salt: the random bytes that were created with the store.
        generation: how many checkpoints its writers have noticed.
        schema: SQLite's counter of changes to the tables; VACUUM raises it as well.
    """

    salt: object
    generation: int
    schema: int


def inspect_file(path: str | os.PathLike[str], how: str, *, thoroughly: bool = False) -> FileContent:
    """Read the identifying properties of a file.

    Args:
        path: the file.
        how: ``"immutable=1"``: without its log and without a lock; ``"mode=ro"``: with both.
        thoroughly: whether to check the whole file.
    """
    with closing(sqlite3.connect(uri_of(path, how), uri=True, timeout=0.1)) as db:
        if thoroughly and one(db, "PRAGMA quick_check(1)") != "ok":
            error = sqlite3.DatabaseError("it is damaged")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        return FileContent(one(db, SALT), one(db, GENERATION) or 0, one(db, SCHEMA))


def check_log(path: Path) -> None:
    """Raise `StoreError` if the log next to a file does not belong to it; SQLite would mix the two.

    Args:
        path: the file.
    """
    real = os.path.realpath(path)
    log = Path(real + "-wal")
    with suppress(OSError, sqlite3.Error):  # opening the file reports what is wrong
        if log.stat().st_size <= _LOG_HEADER:
            return
        for _ in range(_TRIES):
            if _belong_together(inspect_file(real, "immutable=1"), real):
                return
            time.sleep(_PAUSE)
        raise StoreError(
            f"the file {log.name} next to it is the log of another file, or of another state of it: move it"
            " away, then start again"
        )


def _belong_together(main: FileContent, path: str) -> bool:
    try:
        whole = inspect_file(path, "mode=ro")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return False  # the main file alone is intact
    return main.salt == whole.salt and whole.generation - main.generation in {0, 1}


def holds_day(db: sqlite3.Connection, series: int, day: DayClicks) -> bool:
    """Return whether a day is stored as it was written, or as a later answer left it."""
    return db.execute(_DAY, (series, str(day.date), last_text(day.fetched_at))).fetchone() is not None


def uri_of(path: str | os.PathLike[str], how: str) -> str:
    """Return the URI with which SQLite opens a file."""
    return f"{Path(path).as_uri()}?{how}"


def one(db: sqlite3.Connection, query: str) -> Any:  # noqa: ANN401 - of whatever type the cell is
    """Return the first cell of a result, or ``None``."""
    row = db.execute(query).fetchone()
    return None if row is None else row[0]
