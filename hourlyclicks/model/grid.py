"""The counts of a series as a table of days and hours, in which "not known" is never a zero.

The counts are stored as integers, with a 0 for hours without figures. Through the buffer protocol, which
``numpy.asarray`` uses, these zeros would be taken for figures. So a `Grid` has no buffer; it becomes an array
in which such hours are NaN, and the name of `Grid.zero_filled` says what it returns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from hourlyclicks.model.day import HOURS, Counts

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    import numpy as np

    Cells: TypeAlias = array[int] | bytearray


class Grid(Sequence[Counts]):
    """Counts by day and hour, read-only; ``None`` where an hour was not reported or not fetched.

    A sequence of days, each of 24 counts: ``grid[0]`` is the first day, ``grid[0, 23]`` its last hour.
    ``numpy.asarray(grid)`` is an array of days x 24 of ``float64``, NaN where nothing is known. Integers
    (``dtype=int``) are possible only if every hour is known.

    Args:
        cells: a count an hour.
        known: 1 for an hour whose count is known, else 0.
    """

    __slots__ = ("_cells", "_known")

    def __init__(self, cells: array[int], known: bytearray) -> None:
        self._cells = cells
        self._known = known

    @property
    def shape(self) -> tuple[int, int]:
        """Return how many days and hours there are, ``(days, 24)``."""
        return len(self), HOURS

    @property
    def zero_filled(self) -> memoryview[int]:
        """The memory itself, days x 24 of ``int64``, without copying: **0 also where nothing is known**.

        `HourlySeries.reported` tells which zeros are figures.
        """
        return as_grid(self._cells)

    def tolist(self) -> list[list[int | None]]:
        """Return a list of 24 counts for each day; ``None`` where nothing is known."""
        return [list(day) for day in self]

    def __len__(self) -> int:
        return len(self._known) // HOURS

    @overload
    def __getitem__(self, key: int) -> Counts: ...
    @overload
    def __getitem__(self, key: tuple[int, int]) -> int | None: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Counts, ...]: ...
    def __getitem__(self, key: int | tuple[int, int] | slice) -> Any:
        """Return a day, an hour of a day, or some days."""
        if isinstance(key, slice):
            return tuple(self[day] for day in range(*key.indices(len(self))))
        day, *hour = key if isinstance(key, tuple) else (key,)
        first = range(0, len(self._known), HOURS)[day]
        if hour:
            place = range(first, first + HOURS)[hour[0]]
            return self._cells[place] if self._known[place] else None
        cells, known = self._cells[first : first + HOURS], self._known[first : first + HOURS]
        return tuple(count if mark else None for count, mark in zip(cells, known, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grid):
            return NotImplemented
        return self._known == other._known and self._cells == other._cells

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:  # noqa: ANN401, FBT001 - the protocol of NumPy
        """Return an array of days x 24; see the class.

        Raises:
            ValueError: the type has no NaN, and not every hour is known; or no copy may be made.
        """
        return as_array(self.zero_filled, self._known, self.tolist, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"<Grid of {len(self)} x {HOURS} counts, {self._known.count(1)} of them known>"


def as_grid(cells: Cells) -> memoryview[int]:
    """Return one value an hour as a view of days x 24, without copying."""
    flat = memoryview(cells).cast("B")
    shape = (len(cells) // HOURS, HOURS)
    grid = flat.cast("B", shape) if isinstance(cells, bytearray) else flat.cast("q", shape)
    return grid.toreadonly()


def as_array(
    zero_filled: memoryview[int],
    known: bytes | bytearray,
    rows: Callable[[], Sequence[object]],
    *,
    dtype: Any,  # noqa: ANN401 - whatever NumPy takes for a type
    copy: bool | None,
) -> np.ndarray[Any, Any]:
    """Return counts as an array of the same shape; see `Grid.__array__`.

    Args:
        zero_filled: the counts, with 0 where nothing is known.
        known: 1 for a count that is known, else 0.
        rows: returns the counts, with ``None`` where nothing is known.
        dtype: the type of the array; ``None``: ``float64``.
        copy: whether NumPy wants a copy; ``False`` is refused.

    Raises:
        ValueError: the type has no NaN, and not every count is known; or no copy may be made.
    """
    import numpy as np  # noqa: PLC0415 - only NumPy calls this function, and has been imported then

    if copy is False:
        raise ValueError("counts have to be copied; zero_filled has 0 for what is not known")
    wanted = np.dtype(float if dtype is None else dtype)
    if wanted.kind == "O":
        return np.array(rows(), dtype=object)
    marks = np.frombuffer(known, dtype=bool).reshape(zero_filled.shape)
    if wanted.kind not in "fc" and not marks.all():
        raise ValueError(f"{wanted} has no value for a count that is not known; ask for float, which has NaN")
    counts = np.array(zero_filled, dtype=wanted)
    if not marks.all():
        counts[~marks] = math.nan
    return counts
