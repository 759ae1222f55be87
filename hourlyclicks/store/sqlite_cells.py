"""The conversion of the cells of a SQLite file, which accept any value."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

date_of, moment_of = dt.date.fromisoformat, dt.datetime.fromisoformat


def text_of(moment: dt.datetime) -> str:
    """Return the text of a moment; texts are in the order of the moments."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@contextmanager
def as_written() -> Iterator[None]:
    """Translate errors about cells that hourlyclicks did not write."""
    try:
        yield
    except (TypeError, ValueError):
        raise StoreError(
            "it holds a day that cannot be read: another program has changed it; restore a backup"
        ) from None
