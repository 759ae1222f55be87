"""The recipe that loads a warehouse, in a process of its own."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from tests.cli.filled_stores import HANGUL, LINK, answer, days, fill, trouble

if TYPE_CHECKING:
    from hourlyclicks import DayClicks

pytestmark = pytest.mark.skipif(find_spec("dlt") is None, reason="needs dlt")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "frames.md").read_text("utf-8")


def later(date: dt.date) -> DayClicks:
    """Return a day that was fetched a day later than others."""
    day = answer(date)
    return attrs.evolve(day, fetched_at=day.fetched_at + dt.timedelta(days=1))


def recipe() -> str:
    """Return the block of the page."""
    section = PAGE.partition("\n## Load a warehouse\n")[2].partition("\n## ")[0]
    [block] = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    return str(block)


def load(folder: Path) -> int:
    """Run the recipe, and return how many rows it has loaded."""
    script = recipe() + "\nprint(pipeline.last_trace.last_normalize_info.row_counts.get('hours', 0))\n"
    home = {"HOME": str(folder), "DLT_DATA_DIR": str(folder / "dlt"), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    done = subprocess.run(  # noqa: S603 - from our own page
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **home, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def loaded(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the warehouse."""
    import duckdb  # noqa: PLC0415 - it takes long to import

    with duckdb.connect(folder / "warehouse.duckdb") as db:
        return db.execute(query).fetchall()


def test_a_warehouse_gets_only_what_is_new(tmp_path: Path) -> None:
    """A second run loads nothing, and a third one the days that were fetched in between."""
    store = tmp_path / "clicks.db"
    march = days("2025-03-01", 4)
    fill(store, LINK, [*map(answer, march[:2]), trouble(march[2])])
    assert load(tmp_path) == 2 * 24
    assert load(tmp_path) == 0
    fill(store, HANGUL, [later(date) for date in march])
    assert load(tmp_path) == 4 * 24
    assert load(tmp_path) == 0
    query = "SELECT target, count(*), sum(clicks)::BIGINT FROM clicks.hours GROUP BY ALL ORDER BY ALL"
    assert loaded(tmp_path, query) == [(str(LINK), 48, 1 + 2), (str(HANGUL), 96, 1 + 2 + 3 + 4)]
