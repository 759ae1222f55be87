"""The priorities of calls."""

from __future__ import annotations

import enum


class Lane(enum.IntEnum):
    """The priority of a call; the smaller number goes first."""

    INTERACTIVE = 0
    """A person or program waits for the result."""
    BACKFILL = 1
    """It may take hours."""
