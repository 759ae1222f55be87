from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.peers import measure, wrk
from benchmarks.peers.contest import Contender

if TYPE_CHECKING:
    from pathlib import Path

FEW = (
    Contender("naive", "by hand", "speedups"),
    Contender("raw_sockets", "raw sockets", "plain", 5),
    Contender("httpx_loop", "httpx", "httpx"),
)


@pytest.mark.usefixtures("nginx")
def test_a_quick_contest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It installs nothing, measures what is there, and says what is not."""

    def no_wrk(*_: object, **__: object) -> float:
        raise wrk.WrkError("wrk is not installed")

    monkeypatch.setattr(measure, "CONTENDERS", FEW)
    monkeypatch.setattr(measure, "QUICK", measure.Effort(20, 2, 1, (3,), 1, 60.0))
    monkeypatch.setattr(wrk, "ask", no_wrk)
    said: list[str] = []
    section = measure.measure(quick=True, say=said.append, folder=tmp_path)
    (table,) = section.tables
    assert [row[0] for row in table.rows] == ["by hand", "raw sockets (1 round)", "httpx"]
    assert table.rows[2][1] == "not installed (run without --quick once)"
    assert "How much nginx can answer is not known: wrk is not installed." in section.remarks
    figures = json.loads(json.dumps(section.figures))
    assert [run["contender"] for run in figures["runs"]] == ["naive", "raw_sockets", "naive"]
    assert figures["failures"] == []
    assert figures["machine"]["python"]
    assert said[-1] == "round 2 of 2, concurrency 3"
    assert list(tmp_path.iterdir()) == []


def test_without_nginx_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said, and how to get it."""
    monkeypatch.setattr(measure, "find_nginx", lambda: None)
    section = measure.measure(quick=True, say=lambda _: None)
    assert section.remarks == (measure.NO_NGINX,)
    assert not section.tables
    assert not section.claims
