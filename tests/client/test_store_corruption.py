"""A backfill whose store is corrupted at some moment."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.events import DayDone
from tests.client.stories import END, LINK, START, UNLIMITED, free, simulate
from tests.sizes import sized
from tests.store.corruption import CORRUPTIONS, Files

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks import BackfillReport, Client
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import VirtualClock

KINDS = sorted(set(CORRUPTIONS) - {"shm cut off"})  # it may kill the process
LAST = 25
"""Days after which there still is something to keep."""


async def fill(client: Client, _: VirtualClock) -> BackfillReport:
    """Bring a month into the store."""
    return await client.backfill(START, END, [LINK])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that has all days, whose file takes the place of others."""
    path = tmp_path_factory.mktemp("filled") / "clicks.db"
    simulate(free(), fill, store=path)
    return path


@pytest.mark.parametrize("seed", range(sized(1, 2) * len(KINDS)))
def test_a_run_with_a_corrupted_store_is_not_complete(
    tmp_path: Path, seed: int, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with a `StoreError`, and sends nothing beyond the requests in flight."""
    chance, upstream = random.Random(seed), free()
    monkeypatch.setattr(
        "hourlyclicks.store.file_guard._SETTLING", 0.05
    )  # nothing else is at work on the file
    (tmp_path / "data").mkdir()
    files = Files(tmp_path / "data" / "clicks.db")
    for path in (files.copy, files.moved):
        shutil.copyfile(filled, path)
    when = chance.randrange(1, LAST)
    sent: list[int] = []

    def corruption(event: Event) -> None:
        nonlocal when
        when -= isinstance(event, DayDone)
        if when == 0 and not sent:
            CORRUPTIONS[KINDS[seed % len(KINDS)]](files)
            sent.append(upstream.counters.requests)

    with pytest.raises(StoreError, match=r"clicks\.db: "):
        simulate(upstream, fill, store=files.store, on_event=corruption)
    assert upstream.counters.requests - sent[0] <= UNLIMITED.concurrency
