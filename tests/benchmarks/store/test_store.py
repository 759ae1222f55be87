"""The benchmarks of the store: one tiny run of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.processes import MIB, fresh, knows_memory
from benchmarks.store import exporting, heartbeat, large, memory, scanning, transactions
from benchmarks.store.bench_resuming import by_hand, copy, through_the_client
from benchmarks.store.stored_days import filled
from tests.marks import thorough_only

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 6


@pytest.fixture(scope="module")
def stock_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a year of two targets, which is only read."""
    return large.stock(tmp_path_factory.mktemp("stock") / "large", 2)


@pytest.mark.parametrize("links", [1, 3])
def test_nothing_is_missing(tmp_path: Path, links: int) -> None:
    """A file with the days of so many links is resumed without a request."""
    path = asyncio.run(filled(tmp_path, DAYS))
    copy(path, links)
    assert asyncio.run(through_the_client(path, DAYS, links)) == 0
    assert by_hand(path, DAYS, links) == 0


def test_by_hand_what_is_missing_is_found(tmp_path: Path) -> None:
    """The peer counts every day of every link that is not in the file."""
    path = asyncio.run(filled(tmp_path, DAYS))
    assert by_hand(path, DAYS + 2, 2) == 2 + DAYS + 2


def test_the_event_loop_is_watched(tmp_path: Path) -> None:
    """There are intervals during each kind of work, in each round that counts."""
    gaps = heartbeat.found(tmp_path, DAYS, 1)
    assert gaps.keys() == {"idle", "fetch_without", "fetch_slowly", "backfill", "fetch_through"}
    assert all(len(each) == 1 and min(each[0]) > 0 for each in gaps.values())


@pytest.mark.skipif(not knows_memory(), reason="this system does not tell how much memory a process has")
def test_the_memory_of_a_backfill_is_sampled(tmp_path: Path) -> None:
    """A fresh process keeps all days, and tells how much memory there was until the end."""
    figures = fresh(memory.filled, tmp_path, 2, 5)
    assert (figures["days"], figures["targets"]) == (10, 2)
    assert figures["samples"][-1][0] == 10
    assert figures["idle"] > 5 * MIB
    assert figures["file"] > 0


@thorough_only
def test_both_exports_write_every_hour(stock_of_two: Path, tmp_path: Path) -> None:
    """They write the same; a backfill of the same file finds nothing due."""
    ours, bare = tmp_path / "ours.csv", tmp_path / "bare.csv"
    large.export(stock_of_two, ours)
    large.bare_export(stock_of_two, bare)
    assert ours.read_text() == bare.read_text()
    assert len(ours.read_text().splitlines()) == 2 * 365 * 24 + 1
    assert large.nothing_due(stock_of_two, 365, 2) > 0


@thorough_only
@pytest.mark.skipif(not knows_memory(), reason="this system does not tell how much memory a process has")
def test_a_scan_reads_every_hour(stock_of_two: Path) -> None:
    """A fresh process reads all batches, and tells its peak and its processor time."""
    pytest.importorskip("pyarrow")
    found = fresh(scanning.scanned, stock_of_two)
    assert found.rows == 2 * 365 * 24
    assert found.clicks > 0
    assert found.peak > 5 * MIB
    assert found.seconds > 0


@thorough_only
@pytest.mark.skipif(not knows_memory(), reason="this system does not tell how much memory a process has")
@pytest.mark.parametrize("way", exporting.WAYS)
def test_the_memory_of_a_file_does_not_grow_with_the_targets(
    way: str, stock_of_two: Path, tmp_path: Path
) -> None:
    """Many targets take no more than two, in each way, and their file is small."""
    pytest.importorskip("pyarrow")
    many = 40
    stores = {2: stock_of_two, many: large.stock(tmp_path / "many", many)}
    found = {
        targets: fresh(exporting.written, exporting.WAYS[way], path, tmp_path / f"{targets}.parquet")
        for targets, path in stores.items()
    }
    assert found[many].peak < exporting.MOST * found[2].peak
    assert found[many].size < many * exporting.MOST_A_LINK_YEAR
    assert found[many].seconds > 0


def test_transactions_are_counted(tmp_path: Path) -> None:
    """Several clients fetch all days once, and each request takes a transaction or a few."""
    for clients in (1, 3):
        assert 0 < transactions.a_request(str(tmp_path / f"{clients}.db"), clients, 6) < 10
