"""Each process that runs tests imports all of them, and begins elsewhere."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.compiling import own_order


@given(files=st.integers(0, 30), workers=st.integers(1, 5))
def test_together_they_begin_everywhere(files: int, workers: int) -> None:
    """Their first shares are all files, each once, and then each process goes on with the others."""
    paths = [Path(f"test_{number:02}.py") for number in range(files)]
    orders = [own_order(paths, worker, workers) for worker in range(workers)]
    assert all(sorted(order) == paths for order in orders)
    begins = [files * worker // workers for worker in range(workers + 1)]
    shares = [end - begin for begin, end in pairwise(begins)]
    assert [path for order, share in zip(orders, shares, strict=True) for path in order[:share]] == paths
