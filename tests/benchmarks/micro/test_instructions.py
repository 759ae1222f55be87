"""Instructions are read from the output of valgrind, without the start of a process."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from benchmarks.micro import instructions
from benchmarks.micro.instructions import CountError, Scene, counted, middle, per_day, prices_of

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """\
==4711== Cachegrind, a cache and branch-prediction profiler
==4711== Command: python -m benchmarks.peers.measured ours --days 50
==4711==
{"wall": 1.5}
==4711== I   refs:      1,679,683,576
"""
CALLGRIND = REPORT.replace("I   refs", "Collected : 17\n==4711==\n==4711== I   refs")


@pytest.mark.parametrize("report", [REPORT, CALLGRIND])
def test_the_number_is_found(report: str) -> None:
    """The total is read, whatever else is written around it."""
    assert counted(report) == 1_679_683_576


@pytest.mark.parametrize("report", ["", "valgrind: not found", "==1== D   refs:  1,000\n==1== I refs: many"])
def test_no_number_is_an_error(report: str) -> None:
    """Without a total there is an error."""
    with pytest.raises(CountError, match="does not tell"):
        counted(report)


def test_the_start_costs_nothing() -> None:
    """What a process spends apart from its days cancels out."""
    assert per_day((100, 500), (1_000_000_000, 1_000_000_000 + 400 * 750_000)) == 750_000


def test_a_scene_is_the_same_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes are not random, bytecode is kept apart, and settings that slow Python down are not inherited."""
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    environment = Scene.make("http://127.0.0.1:1", tmp_path).environment
    assert environment["PYTHONHASHSEED"] == "0"
    assert environment["PYTHONPYCACHEPREFIX"] == str(tmp_path)
    assert environment["LANG"] == "C.UTF-8"
    assert not {"PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE"} & set(environment)


def test_a_contender_that_fails(tmp_path: Path) -> None:
    """The error has what the contender wrote."""
    with pytest.raises(CountError, match=r"nobody: exit code 1: (?s:.*)ModuleNotFoundError"):
        Scene.make("http://127.0.0.1:1", tmp_path).compile("nobody")


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing program is named."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(instructions, "find_nginx", lambda: None)
    assert instructions.missing() == "valgrind and nginx"
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert instructions.missing() == "nginx"


def test_the_middle_of_the_rounds() -> None:
    """Rounds of one case are put together, and others left out."""
    cases = [("ours", 3, 10.0), ("ours", 3, 12.0), ("ours", 1, 99.0), ("naive", 3, 50.0)]
    counts = [dict(zip(("contender", "concurrency", "per_day"), case, strict=True)) for case in cases]
    assert prices_of(counts, "ours", 3) == [10.0, 12.0]
    assert middle(counts, "ours", 3) == 11.0
    assert middle(counts, "tuned", 3) is None
