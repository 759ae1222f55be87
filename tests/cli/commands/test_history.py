"""``hourlyclicks history``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.serving import invoke
from tests.store.older_stores import older_file

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}
LINK = ("--link", "kYdr", "--domain", "https://vvd.bz")


@pytest.fixture
def store(path: Path) -> Path:
    """A store in which two days of each target have been revised."""
    older_file(path, 2)
    return path


def shown(store: Path, *words: str) -> Result:
    """Look into the history of a store, without a key."""
    result = invoke("history", "--store", str(store), *words, env=KEYLESS)
    assert (result.exit_code, result.stderr) == (0, "")
    return result


def test_revised_days_are_shown_with_what_changed(store: Path) -> None:
    """Every set of figures, the current one last; nothing in the store changes."""
    before = store.read_bytes()
    lines = shown(store, *LINK).stdout.splitlines()
    assert lines[0].startswith("account ")
    assert lines[1:9] == [
        "",
        "https://vvd.bz/kYdr",
        "  2 days, 2024-03-12..2024-03-13, 3 replacements",
        "  2024-03-12",
        "    revision 1: 276 clicks in 24 hours, final, requested 2024-03-10 12:00 UTC",
        "    revision 2: 552 clicks in 24 hours, final, requested 2024-03-10 13:00 UTC",
        "      1 h clicks 1 to 2, 1 h unique users 0 to 1, 2 h clicks 2 to 4,",
        "      2 h unique users 1 to 2, 3 h clicks 3 to 6, 3 h unique users 2 to 4,",
    ]
    assert "    revision 2: 0 clicks in 0 hours, empty, requested 2024-03-10 14:00 UTC" in lines
    assert any(line.startswith("      0 h clicks 0 to not reported, 0 h unique") for line in lines)
    assert store.read_bytes() == before


def test_a_day_is_shown_in_any_case(store: Path) -> None:
    """Also one that was never revised; one without figures is called so."""
    lines = shown(store, *LINK, "--day", "2024-02-25").stdout.splitlines()
    assert lines[3:] == [
        "  1 day, 2024-02-25, 0 replacements",
        "  2024-02-25",
        "    revision 1: 828 clicks in 24 hours, final, requested 2024-03-10 12:00 UTC",
    ]
    for day in ("2024-03-08", "1999-01-01"):
        assert shown(store, *LINK, "--day", day).stdout == "There are no figures of this day.\n"


def test_the_latest_days_can_be_shown_alone(store: Path) -> None:
    """Of each target so many; the line about it counts all of its days."""
    lines = shown(store, *LINK, "--limit", "1").stdout.splitlines()
    assert lines[3] == "  2 days, 2024-03-12..2024-03-13, 3 replacements; the last 1 day shown"
    assert [line for line in lines if line.startswith("  2024")] == ["  2024-03-13"]
    found = [
        json.loads(line) for line in shown(store, "--limit", "1", "--format", "jsonl").stdout.splitlines()
    ]
    assert [each["date"] for each in found] == ["2024-03-13"] * 4


def test_the_newest_day_comes_last_or_first(store: Path) -> None:
    """As in a journal it is where the terminal ends; on demand, days are reversed, not their figures."""

    def days(*words: str) -> list[str]:
        lines = shown(store, *LINK, *words).stdout.splitlines()
        return [line.strip() for line in lines if line.startswith("  2024")]

    def revisions(*words: str) -> list[tuple[str, int]]:
        objects = map(json.loads, shown(store, *LINK, "--format", "jsonl", *words).stdout.splitlines())
        return [(each["date"], each["revision"]) for each in objects]

    assert days() == ["2024-03-12", "2024-03-13"]
    assert days("--reverse") == ["2024-03-13", "2024-03-12"]
    assert days("--reverse", "--limit", "1") == ["2024-03-13"]
    assert revisions("--reverse") == sorted(sorted(revisions()), key=lambda each: each[0], reverse=True)


def test_no_history_is_called_so(store: Path) -> None:
    """Of a target without revised days."""
    assert shown(store, "--group", "7").stdout == "No figures were replaced.\n"
    assert shown(store, "--group", "7", "--format", "jsonl").stdout == ""


def test_each_revision_is_an_object(store: Path) -> None:
    """With all of its counts; of all accounts and targets."""
    found = [json.loads(line) for line in shown(store, "--format", "jsonl").stdout.splitlines()]
    assert [(each["target"], each["date"], each["revision"], each["state"]) for each in found] == [
        (target, date, number, state)
        for target in ("account", "https://vvd.bz/kYdr")
        for date, number, state in (
            ("2024-03-12", 1, "final"),
            ("2024-03-12", 2, "final"),
            ("2024-03-12", 3, "final"),
            ("2024-03-13", 1, "provisional"),
            ("2024-03-13", 2, "empty"),
        )
    ]
    assert found[0]["clicks"] == list(range(24))
    assert found[4]["unique_users"] == [None] * 24
