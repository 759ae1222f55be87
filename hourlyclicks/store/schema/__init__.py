"""The tables, as SQL: a folder for each kind of database.

A numbered script changes the tables of the version before. The version of a store is the number of the last
script that was run on it. A store of a newer version is not opened, since the changes of a later script are
unknown. ``tables.sql`` makes the tables of a new SQLite file at once, in a third of the time: they are those
that all scripts make, one after the other.

`PACKED` is the version since which the row of a day holds its 24 counts. A store of an older version may have
millions of days, so they are copied in batches before the script runs; see `hourlyclicks.store.migration`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

PACKED = 3
"""The version in which the counts came into the row of their day."""

DAILY = 5
"""The version in which the sums of days were added."""

RANGES = 6
"""The version in which what is known of endpoints for ranges was added."""

LEASES = 7
"""The version in which the leases of accounts were added."""

FLEETS = 8
"""The version in which the runs over many accounts were added."""

LATEST = FLEETS
"""The version of a new store, and the number of scripts."""

_UNPACKED_DAYS = "unpacked_days"


@cache
def scripts(kind: str) -> tuple[str, ...]:
    """Return the scripts of a kind of database, in the order of their numbers."""
    names = sorted(file.name for file in (resources.files(__name__) / kind).iterdir())
    numbered = [_text(kind, name) for name in names if name[:1].isdigit()]
    return tuple(text.replace(f":{_UNPACKED_DAYS}", unpacked_days(kind)) for text in numbered)


@cache
def tables(kind: str) -> str:
    """Return the script that makes the tables of a new store."""
    return _text(kind, "tables.sql")


@cache
def unpacked_days(kind: str) -> str:
    """Return the query that reads the days of a store of version 2 in the columns of `PACKED`."""
    return _text(kind, f"{_UNPACKED_DAYS}.sql")


def newer(version: int, known: int) -> str:
    """Return the message that a store is too new."""
    return (
        f"a newer hourlyclicks has changed its tables (version {version}, and only {known} is known here):"
        " update hourlyclicks"
    )


def _text(kind: str, name: str) -> str:
    return (resources.files(__name__) / kind / name).read_text("utf-8")
