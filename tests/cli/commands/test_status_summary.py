"""``hourlyclicks status --summary`` and ``--check``."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks import Link
from hourlyclicks.cli.actions import status_check, status_summary
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry
from tests.cli.filled_stores import HANGUL, LATER, LINK, TEAM, answer, days, empty, fill, stock, trouble
from tests.cli.serving import invoke

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}
TYPO = Link("typo", "https://vvd.bz")
APRIL = days("2025-04-01", 30)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the time to noon of 1 June 2025, after all answers."""
    for module in (status_check, status_summary):
        monkeypatch.setattr(module, "present", lambda: LATER + dt.timedelta(hours=12))


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with days in every state, and a parked target."""
    path = stock(tmp_path / "clicks.db")
    rejected = Failure("ApiError", "no such link", 7, 200)
    known = [LedgerEntry(day, DayState.FAILED, LATER, 1, reason=rejected) for day in APRIL[:6]]
    fill(path, TYPO, known)
    return str(path)


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A store with two complete targets, up to 30 April."""
    for target in (LINK, TEAM):
        fill(tmp_path / "complete.db", target, map(answer, APRIL))
    return tmp_path / "complete.db"


def shown(store: object, *words: str) -> Result:
    """Run the command without a key."""
    return invoke("status", "--store", str(store), *words, env=KEYLESS)


def test_all_targets_are_summed_up(store: str) -> None:
    """A line for each state, the newest complete day, and the targets that lack most."""
    result = shown(store, "--summary")
    assert (result.exit_code, result.stderr) == (0, "")
    first, *lines = result.stdout.splitlines()
    assert first.endswith(": 4 targets, 2025-04-01..2025-04-30")
    assert lines == [
        "                           days    targets",
        "  final                      25          2",
        "  provisional                 1          1",
        "    of these stale            1          1",
        "  empty                       1          1",
        "  failed                      9          3",
        "  refused                     1          1",
        "  missing                     2          1",
        "  behind                    205          4",
        "  to do                     217          4",
        "  newest complete day: 2025-04-30 in 1 target, the earliest 2025-04-01; 2",
        "    targets without",
        "  parked: 1 target: https://vvd.bz/typo",
        "  failed: 9 days: the API answered code 7: no such link (6), HTTP 500 (3)",
        "    failed   missing    behind  newest complete  4 of 4 incomplete targets",
        "         6         0        55  parked           https://vvd.bz/typo",
        "         2         2        31  2025-04-30       https://vvd.bz/kYdr",
        "         1         0        60  none             group 7",
        "         0         0        59  2025-04-01       https://vvd.bz/한/글",
    ]
    assert "provisional" not in shown(store, "--summary", "--timezone", "UTC").stdout


def test_it_fits_a_screen(tmp_path: Path) -> None:
    """Ten targets are shown, or all with --all; an id of any length or script is cut to 80 columns."""
    path = tmp_path / "clicks.db"
    links = [Link(f"{number}{'한' * 100}", "https://vvd.bz") for number in range(12)]
    for link in links:
        fill(path, link, [answer(APRIL[0]), trouble(APRIL[2])])
    lines = shown(path, "--summary").stdout.splitlines()
    assert len(lines) == 10 + 10 < 24
    assert max(len(line) + line.count("한") for line in lines) <= 80
    assert sum(line.endswith("...") for line in lines) == 10
    assert len(shown(path, "--summary", "--all").stdout.splitlines()) == 10 + 12


def test_the_summary_as_json(store: str, tmp_path: Path) -> None:
    """It is an array with an object for each account."""
    [found] = json.loads(shown(store, "--summary", "--format", "json").stdout)
    assert (found["targets"], found["range"]) == (4, {"from": "2025-04-01", "to": "2025-04-30"})
    assert (found["days"]["failed"], found["targets_with_days"]["failed"]) == (9, 3)
    assert found["newest_complete"] == {
        "newest": "2025-04-30",
        "earliest": "2025-04-01",
        "targets_with_newest": 1,
        "targets_without": 2,
    }
    assert [(each["status"], each["code"], each["days"]) for each in found["failures"]] == [
        (200, 7, 6),
        (200, None, 3),
    ]
    assert found["parked"] == {str(TYPO): "the API answered code 7: no such link"}
    assert found["worst"][3] == {
        "target": str(HANGUL),
        "failed": 0,
        "missing": 0,
        "behind": 59,
        "to_do": 60,
        "newest_complete": "2025-04-01",
    }
    assert found["running"] == []
    assert json.loads(shown(empty(tmp_path / "empty.db"), "--summary", "--format", "json").stdout) == []


def test_a_summary_of_what_is_named(store: str, tmp_path: Path) -> None:
    """Gaps are counted within the range, and targets of which nothing is known are one line."""
    words = ("--group", "8", "--group", "7", "--summary")
    lines = shown(store, *words, "--from", "2025-04-01", "--to", "2025-04-10").stdout.splitlines()
    assert "  missing                     9          1" in lines
    assert "  to do                      20          2" in lines
    assert "  newest complete day: none" in lines
    lines = shown(store, *words).stdout.splitlines()
    assert "  without any day: 1 target: group 8" in lines
    assert "  unknown                   365          1" in lines
    assert shown(empty(tmp_path / "empty.db"), "--summary").stdout == "The store is empty.\n"


def test_a_complete_store_passes_the_check(complete: Path) -> None:
    """One line and exit code 0; with --max-age as long as no target is older."""
    said = "ok: 2 targets without gaps, complete until 2025-04-30\n"
    for words in ((), ("--max-age", "32d"), ("--max-age", "5w"), ("--link", str(LINK), "--max-age", "32d")):
        result = shown(complete, "--check", *words)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == said.replace("2 targets", "1 target" if "--link" in words else "2 targets")


def test_what_is_too_old_raises_an_alarm(complete: Path) -> None:
    """The newest complete day of a target is 32 days ago, and more than is allowed."""
    result = shown(complete, "--check", "--max-age", "31d")
    assert (result.exit_code, result.stdout) == (10, "")
    assert result.stderr == (
        "Error: 2 of 2 targets incomplete: 2 targets without a complete day since 2025-05-01;"
        " the worst is https://vvd.bz/kYdr, newest complete day 2025-04-30\n"
    )


def test_gaps_raise_an_alarm(store: str, tmp_path: Path) -> None:
    """Failed, missing and parked days are counted, in one line; a target of a range is checked within it."""
    result = shown(store, "--check")
    assert (result.exit_code, result.stdout) == (10, "")
    assert result.stderr == (
        "Error: 3 of 4 targets incomplete: 9 days failed, 2 days missing, 1 target parked;"
        " the worst is https://vvd.bz/typo, no complete day\n"
    )
    within = ("--link", str(LINK), "--from", "2025-04-15", "--to", "2025-04-30")
    assert shown(store, "--check", *within).exit_code == 0
    gone = shown(tmp_path / "gone.db", "--check", "--format", "json")
    assert (gone.exit_code, gone.stderr) == (12, f"Error: {json.loads(gone.stdout)['message']}\n")
    nothing = shown(empty(tmp_path / "empty.db"), "--check")
    assert (nothing.exit_code, nothing.stderr) == (10, "Error: the store has no targets\n")


def test_a_day_that_was_requested_too_early_raises_an_alarm(complete: Path) -> None:
    """It still has figures of the middle of that day, although later days are complete."""
    early = attrs.evolve(
        answer(APRIL[9], final=False), fetched_at=dt.datetime(2025, 4, 10, 12, tzinfo=dt.UTC)
    )
    fill(complete, HANGUL, [early, *map(answer, APRIL[10:])])
    result = shown(complete, "--check")
    assert (result.exit_code, "1 of 3 targets incomplete: 1 day out of date;" in result.stderr) == (10, True)


def test_a_listed_target_must_be_in_the_store(complete: Path, tmp_path: Path) -> None:
    """One without any day raises an alarm, also in an empty store."""
    listed = tmp_path / "links.csv"
    listed.write_text(f"target\n{LINK}\n{TYPO}\n")
    for path, number in ((complete, 1), (empty(tmp_path / "empty.db"), 2)):
        result = shown(path, "--check", "--targets", str(listed))
        assert result.exit_code == 10
        assert f"{number} of 2 targets incomplete: {number} target" in result.stderr
        assert " without any day" in result.stderr


def test_the_check_as_json(complete: Path, store: str) -> None:
    """It is an object, with the same line; the exit code is the same."""
    result = shown(complete, "--check", "--max-age", "32d", "--format", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"], found["complete_until"], found["since"], found["worst"]) == (
        *(0, True),
        *("2025-04-30", "2025-04-30", None),
    )
    result = shown(store, "--check", "--format", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"], result.stderr) == (10, False, f"Error: {found['message']}\n")
    numbers = [found[name] for name in ("incomplete_targets", "failed", "missing", "parked", "unknown")]
    assert (numbers, found["worst"]) == ([3, 9, 2, 1, 0], str(TYPO))


def test_targets_of_several_accounts_are_not_mixed(complete: Path) -> None:
    """All targets of all accounts are checked; targets that are named need the account."""
    fill(complete, LINK, map(answer, APRIL), account="news")
    assert shown(complete, "--check").stdout.startswith("ok: 3 targets")
    for form in ("--check", "--summary"):
        assert shown(complete, form, "--link", str(LINK)).exit_code == 2
    assert shown(complete, "--check", "--link", str(LINK), "--account-name", "news").exit_code == 0


def test_an_account_of_a_wrong_key_does_not_count(complete: Path) -> None:
    """A sync with it has only noted a first day; the other account is still the only one with days."""
    noted = LedgerEntry(APRIL[0], DayState.FAILED, LATER, 0, reason=Failure("HourlyClicksError", "not yet"))
    fill(complete, TYPO, [noted], account="wrong")
    for words in (("--check",), ("--check", "--link", str(LINK)), ("--summary",), ("--link", str(LINK))):
        result = shown(complete, *words)
        assert (result.exit_code, str(TYPO) in result.stdout) == (0, False)


@pytest.mark.parametrize(
    "words",
    [
        ("--check", "--summary"),
        ("--check", "--all"),
        ("--max-age", "2d"),
        ("--check", "--max-age", "2"),
        ("--check", "--max-age", "0d"),
    ],
)
def test_options_that_do_not_go_together(complete: Path, words: tuple[str, ...]) -> None:
    """The exit code is 2."""
    assert shown(complete, *words).exit_code == 2
