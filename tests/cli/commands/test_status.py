"""``hourlyclicks status``."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.cli.actions import status_coverage
from hourlyclicks.render.coverage import shades_for
from tests.cli.filled_stores import HANGUL, LATER, LINK, TEAM, answer, days, empty, fill, stock, trouble
from tests.cli.serving import ENVIRONMENT, PATIENCE, invoke, start

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with days in every state."""
    return str(stock(tmp_path / "clicks.db"))


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the time to the day after all answers."""
    monkeypatch.setattr(status_coverage, "present", lambda: LATER + dt.timedelta(days=1))


def shown(store: str, *words: str) -> Result:
    """Run the command without a key."""
    return invoke("status", "--store", store, *words, env=KEYLESS)


def test_each_target_is_shown(store: str) -> None:
    """Its days, its months, and problems; foreign text cannot control the terminal."""
    result = shown(store)
    assert (result.exit_code, result.stderr) == (0, "")
    first, *lines = result.stdout.splitlines()
    assert first.startswith("account ")
    assert first.endswith(": 3 targets")
    assert lines == [
        "",
        "https://vvd.bz/kYdr",
        "  2025-04-01..2025-04-30, 30 days",
        "  24 final, 1 empty, 2 failed, 1 refused, 2 missing",
        "        J F M A M J J A S O N D",
        "  2025        ▆",
        "  missing  2025-04-13..2025-04-14",
        "  failed   2025-04-10..2025-04-11: HTTP 500",
        "  refused  2025-04-12: the API answered code 7: \\x1b[31mno",
        "",
        "https://vvd.bz/한/글",
        "  2025-04-01..2025-04-02, 2 days",
        "  1 final, 1 provisional, 1 stale",
        "        J F M A M J J A S O N D",
        "  2025        █",
        "  stale    2025-04-02",
        "",
        "group 7",
        "  2025-04-01..2025-04-01, 1 day",
        "  1 failed",
        "        J F M A M J J A S O N D",
        "  2025        ·",
        "  failed   2025-04-01: HTTP 500",
    ]


def test_targets_and_days_can_be_chosen(store: str) -> None:
    """Only named targets are shown, also an unknown one; gaps are counted within the range."""
    words = ("--group", "7", "--group", "8", "--from", "2024-12-31", "--to", "2025-04-02")
    lines = shown(store, *words).stdout.splitlines()
    assert lines[2:] == [
        "group 7",
        "  2024-12-31..2025-04-02, 93 days",
        "  1 failed, 92 missing",
        "        J F M A M J J A S O N D",
        "  2024                        ·",
        "  2025  · · · ·",
        "  missing  2024-12-31..2025-03-31",
        "  missing  2025-04-02",
        "  failed   2025-04-01: HTTP 500",
        "",
        "group 8",
        "  2024-12-31..2025-04-02, 93 days",
        "  93 missing",
        "        J F M A M J J A S O N D",
        "  2024                        ·",
        "  2025  · · · ·",
        "  missing  2024-12-31..2025-04-02",
    ]
    assert shown(store, "--group", "8").stdout.splitlines()[-1] == "  nothing is known"


def test_days_before_the_first_day_of_a_target_do_not_count(store: str, tmp_path: Path) -> None:
    """Days from it to the first known one are missing; a target with none since then is unknown."""
    listed = tmp_path / "links.csv"
    listed.write_text(f"target,since\n{LINK},2025-04-15\n{HANGUL},2025-03-31\n{TEAM},2025-04-02\n")
    text = shown(store, "--targets", str(listed)).stdout
    assert "  2025-04-15..2025-04-30, 16 days\n  15 final, 1 empty\n" in text
    assert "  2025-03-31..2025-04-02, 3 days\n  1 final, 1 provisional, 1 missing, 1 stale\n" in text
    assert text.endswith("group 7\n  nothing is known\n")


def test_of_many_targets_only_those_with_gaps_are_shown(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are counted; --all shows them."""
    monkeypatch.setattr(status_coverage, "_MANY", 1)
    words = ("--link", str(HANGUL), "--group", "7", "--group", "8")
    lines = shown(store, *words).stdout.splitlines()
    assert [line for line in lines if line.startswith(("http", "group"))] == ["group 7"]
    assert lines[-3:] == [
        "",
        "not shown: 1 target without gaps; --all shows them",
        "not shown: 1 target without any day; --all shows them",
    ]
    lines = shown(store, *words, "--all").stdout.splitlines()
    assert [line for line in lines if line.startswith(("http", "group"))] == [
        str(HANGUL),
        "group 7",
        "group 8",
    ]


def test_long_lists_are_cut_short(tmp_path: Path) -> None:
    """Ten ranges are shown, or all with --all; no line is too long for a terminal."""
    odd = [day for day in days("2024-01-01", 600) if day.toordinal() % 2]
    path = tmp_path / "clicks.db"
    fill(path, LINK, [*map(answer, odd[:100]), *[trouble(day) for day in odd[100:]]])
    lines = shown(str(path)).stdout.splitlines()
    assert sum(line.startswith("  missing") for line in lines) == 10
    assert lines[-1] == "  489 more of these; --all shows them"
    assert max(map(len, lines)) <= 80
    assert len(shown(str(path), "--all").stdout.splitlines()) == len(lines) - 11 + 499


def test_each_account_is_shown(store: str, tmp_path: Path) -> None:
    """Each under its fingerprint; a name or a fingerprint selects one."""
    fill(tmp_path / "clicks.db", TEAM, [answer(days("2025-04-01", 1)[0])], account="news")
    accounts = [line for line in shown(store).stdout.splitlines() if line.startswith("account ")]
    assert [line.partition(": ")[2] for line in accounts] == ["3 targets", "1 target"]
    fingerprint = accounts[1].split()[1].strip(":")
    assert shown(store, "--account-name", "news").stdout.splitlines()[0] == accounts[1]
    assert shown(store, "--account-name", fingerprint).stdout.splitlines()[0] == accounts[1]
    result = shown(store, "--account-name", "olds")
    assert (result.exit_code, fingerprint in result.stderr) == (2, True)


def test_the_same_as_json(store: str) -> None:
    """It is an array with an object for each target, with all ranges."""
    objects = json.loads(shown(store, "--format", "json").stdout)
    assert [each["target"] for each in objects] == [str(LINK), str(HANGUL), str(TEAM)]
    assert objects[0]["days"] == {
        "final": 24,
        "provisional": 0,
        "empty": 1,
        "failed": 2,
        "refused": 1,
        "missing": 2,
        "stale": 0,
    }
    assert objects[0]["months"] == {"2025-04": {"days": 30, "known": 25}}
    assert objects[0]["missing"] == [{"from": "2025-04-13", "to": "2025-04-14"}]
    assert objects[0]["troubles"][1] == {
        "from": "2025-04-12",
        "to": "2025-04-12",
        "state": "refused",
        "reason": "the API answered code 7: \x1b[31mno",
    }
    assert objects[1]["stale"] == [{"from": "2025-04-02", "to": "2025-04-02"}]
    assert len({each["account"] for each in objects}) == 1
    [nothing] = json.loads(shown(store, "--format", "json", "--group", "8").stdout)
    assert (nothing["range"], nothing["months"]) == (None, {})


def test_an_empty_store_is_said_to_be(tmp_path: Path) -> None:
    """In words, or as an empty array."""
    path = empty(tmp_path / "clicks.db")
    assert shown(str(path)).stdout == "The store is empty.\n"
    assert json.loads(shown(str(path), "--format", "json").stdout) == []


def test_a_store_that_is_not_there_stays_away(tmp_path: Path) -> None:
    """The command makes no store."""
    result = shown(str(tmp_path / "none.db"))
    assert (result.exit_code, result.stdout) == (12, "")
    assert "there is no store" in result.stderr
    assert list(tmp_path.glob("none*")) == []


def test_half_a_range_is_a_mistake(store: str) -> None:
    """Both ends are needed, or neither."""
    assert shown(store, "--from", "2025-04-01").exit_code == 2


def test_a_terminal_without_blocks_gets_figures(store: str) -> None:
    """If block characters cannot be shown, others are used."""
    assert shades_for("no-such-encoding") == shades_for(None) == shades_for("latin-1") == "0123456789#"
    with start("status", "--store", store, env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}) as process:
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "  2025        8\n" in out
    assert "https://vvd.bz/?/?\n" in out
