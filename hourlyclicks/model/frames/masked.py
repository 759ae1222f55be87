"""Counts as masked arrays of NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hourlyclicks.model.extras import needing
from hourlyclicks.model.grid import as_grid

with needing("numpy", extra="numpy"):
    import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from hourlyclicks.model.daily_series import DailyCounts
    from hourlyclicks.model.grid import Cells

    MaskedCounts: TypeAlias = np.ma.MaskedArray[Any, np.dtype[np.int64]]

NEVER_A_COUNT = -1
"""What ``filled()`` puts in the place of what is not known; NumPy's own choice, 999,999, can be a count."""


def masked_grids(counts: Iterable[Cells], known: bytearray) -> list[MaskedCounts]:
    """Return arrays of days x 24, which share their memory with the counts.

    Args:
        counts: for each array, a count an hour.
        known: 1 for an hour whose counts are known, else 0.
    """
    nulls = np.asarray(as_grid(known)) == 0
    return [_masked(np.asarray(as_grid(cells)), nulls) for cells in counts]


def masked_counts(counts: DailyCounts) -> MaskedCounts:
    """Return an array of a value a day.

    Args:
        counts: the counts of the days.
    """
    return _masked(np.asarray(counts.zero_filled), np.array([count is None for count in counts], bool))


def _masked(counts: Any, nulls: np.ndarray[Any, np.dtype[np.bool_]]) -> MaskedCounts:  # noqa: ANN401 - of int64
    nulls.flags.writeable = False
    return np.ma.MaskedArray(counts, mask=nulls, copy=False, fill_value=NEVER_A_COUNT)
