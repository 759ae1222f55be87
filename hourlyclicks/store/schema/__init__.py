"""The tables, as numbered SQL scripts: a folder for each kind of database.

The version of a store is the number of scripts that were run on it. A store of a newer version is not opened,
since the changes of a later script are unknown.
"""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def scripts(kind: str) -> tuple[str, ...]:
    """Return the scripts of a kind of database, in the order of their numbers."""
    files = (resources.files(__name__) / kind).iterdir()
    return tuple(file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name))


def newer(version: int, known: int) -> str:
    """Return the message that a store is too new."""
    return (
        f"a newer hourlyclicks has changed its tables (version {version}, and only {known} is known here):"
        " update hourlyclicks"
    )
