"""The conversion of the cells of a SQLite file, which accept any value."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hourlyclicks.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

date_of, moment_of = dt.date.fromisoformat, dt.datetime.fromisoformat


_HUNDREDTH = 10_000
"""Microseconds."""
_TO_HUNDREDTHS = len("2025-04-21T03:00:00.00")


def text_of(moment: dt.datetime) -> str:
    """Return the text of a moment, in hundredths of a second if that is exact, or else in microseconds.

    Texts are in the order of the moments, but for those within one hundredth. Compare with `last_text` or
    `first_text` where that matters.
    """
    text = _microseconds(moment)
    return text[:_TO_HUNDREDTHS] + "Z" if moment.microsecond % _HUNDREDTH == 0 else text + "Z"


def last_text(moment: dt.datetime) -> str:
    """Return a text that is less than those of all later moments."""
    return _microseconds(moment)[:_TO_HUNDREDTHS]


def first_text(moment: dt.datetime) -> str:
    """Return a text that is greater than those of all earlier moments."""
    try:
        return last_text(moment + dt.timedelta(microseconds=_HUNDREDTH - 1)) + "Z"
    except OverflowError:
        return "never"


def _microseconds(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


@contextmanager
def as_written() -> Iterator[None]:
    """Translate errors about cells that hourlyclicks did not write."""
    try:
        yield
    except (TypeError, ValueError):
        raise StoreError(
            "it holds a day that cannot be read: another program has changed it; restore a backup"
        ) from None
