"""The benchmarks of the store: one tiny run of each, and the tables of the figures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.footprint.child import run
from benchmarks.footprint.resident import MIB, is_told
from benchmarks.store import commits, heartbeat, memory, reading, resume, sharing
from benchmarks.store.stock import filled

if TYPE_CHECKING:
    from pathlib import Path

DAYS = 6


def test_days_are_kept_in_each_way(tmp_path: Path) -> None:
    """Every way has stored every day, and takes its time."""
    times = asyncio.run(commits.found(tmp_path, DAYS))
    assert [len(each) for each in times.values()] == [DAYS] * 3
    assert all(taken > 0 for each in times.values() for taken in each)


def test_the_disk_is_not_ours() -> None:
    """One claim is about the whole time, one about the time above the bare module."""
    whole, added = commits.told(
        {commits.KEEP: [6.0, 7.0, 8.0], commits.BARE: [6.5, 6.5, 7.0], commits.DISK: [6.0, 6.0, 6.0]}
    ).claims
    assert (whole.measured, whole.holds) == (7.0, False)
    assert (added.measured, added.holds) == (0.5, True)


def test_a_file_is_made_once(tmp_path: Path) -> None:
    """As many days in the same folder are the same file."""
    path = asyncio.run(filled(tmp_path, DAYS))
    made = path.stat().st_mtime_ns
    assert asyncio.run(filled(tmp_path, DAYS)) == path
    assert path.stat().st_mtime_ns == made


def test_all_read_the_same_days(tmp_path: Path) -> None:
    """Each reader, in each round, found what is in the file."""
    path = asyncio.run(filled(tmp_path, DAYS))
    seconds = reading.found(path, DAYS, 2)
    assert seconds.keys() == {each.__name__ for each in reading.readers()}
    assert all(len(each) == 2 and min(each) > 0 for each in seconds.values())


def test_reading_is_compared_with_pandas_where_it_is_installed() -> None:
    """Without pandas that is said, and there is one claim less."""
    seconds = {"through_the_client": [0.2, 0.4], "through_sqlite": [0.1, 0.1]}
    without = reading.told(seconds, 3_000)
    within = reading.told({**seconds, "through_pandas": [0.1, 0.05]}, 3_000)
    assert [claim.measured for claim in without.claims] == [pytest.approx(10_000)]
    assert "pandas" in without.remarks[0]
    assert [claim.measured for claim in within.claims] == pytest.approx([10_000, 5.0])
    assert within.remarks == ()


@pytest.mark.parametrize("links", [1, 3])
def test_nothing_is_missing(tmp_path: Path, links: int) -> None:
    """A file with the days of so many links is resumed without a request."""
    full = asyncio.run(filled(tmp_path, DAYS))
    times = resume.found(full, DAYS, links, 2)
    assert times["requests"] == 0
    assert len(times["client"]) == len(times["hand"]) == 2


def test_by_hand_what_is_missing_is_found(tmp_path: Path) -> None:
    """The peer counts every day of every link that is not in the file."""
    full = asyncio.run(filled(tmp_path, DAYS))
    assert resume.by_hand(full, DAYS + 2, 2) == 2 + DAYS + 2


def test_one_request_is_one_too_many() -> None:
    """The claim is about the requests of all runs."""
    each = {number: {"client": [1.0], "hand": [0.5], "requests": number - 1} for number in (1, 2)}
    said = resume.told(each, DAYS)
    assert (said.claims[0].measured, said.claims[0].holds) == (1, False)
    assert said.tables[0].rows[1][2] == f"{2 * DAYS}"


def test_the_event_loop_is_watched(tmp_path: Path) -> None:
    """There are ticks during each kind of work, in each round that counts."""
    gaps = heartbeat.found(tmp_path, DAYS, 1)
    assert gaps.keys() == {"idle", "fetch_without", "fetch_slowly", "backfill", "fetch_through"}
    assert all(len(each) == 1 and min(each[0]) > 0 for each in gaps.values())


def test_what_a_store_adds_is_above_what_takes_as_long() -> None:
    """The longest gaps of the rounds are compared in their middles."""
    gaps = {
        "idle": [[1.0, 1.5]],
        "fetch_slowly": [[1.0, 2.0], [1.0, 3.0], [1.0, 40.0]],
        "fetch_without": [[1.0, 3.0]],
        "backfill": [[1.0, 4.0], [1.0, 9.0], [1.0, 50.0]],
        "fetch_through": [[1.0, 2.0], [1.0, 2.5], [1.0, 2.75]],
    }
    kept, read = heartbeat.told(gaps, DAYS).claims
    assert (kept.measured, kept.holds) == (6.0, False)
    assert (read.measured, read.holds) == (-0.5, True)


@pytest.mark.skipif(not is_told(), reason="this system does not tell how much memory a process has")
def test_the_memory_of_a_backfill_is_sampled(tmp_path: Path) -> None:
    """A fresh process keeps all days, and tells how much memory there was until the end."""
    figures = run("benchmarks.store.memory", "--targets", 2, "--days", 5, "--folder", tmp_path)
    assert (figures["days"], figures["targets"]) == (10, 2)
    assert figures["samples"][-1][0] == 10
    assert figures["idle"] > 5 * MIB
    assert figures["file"] > 0
    assert memory.told(figures).claims[0].measured == max(held for _, held in figures["samples"]) / MIB


def test_four_processes_are_held_against_one() -> None:
    """The slower and the less fair of two races decides."""
    one, own, same = (sharing.Race(10.0, (40,)), sharing.Race(11.0, (9, 11)), sharing.Race(13.0, (10, 10)))
    names = ("one process", "four, a link each", "four, the same days")
    slower, unfair = sharing.told(dict(zip(names, (one, own, same), strict=True))).claims
    assert (slower.measured, slower.holds) == (1.3, False)
    assert (unfair.measured, unfair.holds) == (0.2, True)
