"""Days in a row, as stretches."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence


def spans(days: Sequence[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Group days, in order, into stretches without a gap: the first and the last day of each."""
    if not days:
        return []
    gaps = [(before, after) for before, after in pairwise(days) if after.toordinal() - before.toordinal() > 1]
    starts = [days[0], *(after for _, after in gaps)]
    ends = [*(before for before, _ in gaps), days[-1]]
    return list(zip(starts, ends, strict=True))
