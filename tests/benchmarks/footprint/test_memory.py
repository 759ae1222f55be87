"""Memory: one tiny run of each kind of work."""

from __future__ import annotations

import pytest

from benchmarks.footprint import memory
from benchmarks.processes import knows_memory

pytestmark = pytest.mark.skipif(
    not knows_memory(), reason="this system does not tell how much memory a process has"
)


@pytest.mark.usefixtures("own_garbage")
@pytest.mark.parametrize("kind", memory.WORKS)
async def test_each_kind_of_work_is_done(kind: str) -> None:
    """A few days or targets are fetched, memory is looked at from the first request to the last."""
    found = await memory.growth(kind, 3)
    asked = [number for number, _ in found["looks"]]
    assert asked[0] == 0
    assert asked[-1] == 3 * (30 if kind in ("targets", "together") else 1)
    assert asked == sorted(asked)
    assert found["most"] == max(held for _, held in found["looks"])
