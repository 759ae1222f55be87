"""Spans of consecutive days."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.spans import spans

DAY = dt.timedelta(days=1)


@given(st.sets(st.integers(0, 60), max_size=30))
def test_spans_cover_exactly_their_days(offsets: set[int]) -> None:
    """Spans have each day once, no other day, and never touch each other."""
    first = dt.date(2025, 2, 1)
    days = [first + DAY * offset for offset in sorted(offsets)]
    found = spans(days)
    covered = [start + DAY * place for start, end in found for place in range((end - start).days + 1)]
    assert covered == days
    assert all(after[0] - before[1] > DAY for before, after in pairwise(found))
