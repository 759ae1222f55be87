"""``hourlyclicks export``."""

from __future__ import annotations

import csv
import io
import json
import stat
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import DateRange
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.store import stored_account
from hourlyclicks.store.stored_account import chunks
from tests.cli.filled_stores import HANGUL, LINK, TEAM, answer, days, empty, fill, stock
from tests.cli.serving import invoke

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with days in every state."""
    return str(stock(tmp_path / "clicks.db"))


def exported(store: str, *words: str) -> Result:
    """Export from a store, without a key."""
    return invoke("export", "--store", store, *words, env=KEYLESS)


def statuses(text: str) -> list[tuple[str, str, str]]:
    """Return target, date and status of the first hour of each day of a CSV."""
    rows = csv.DictReader(io.StringIO(text))
    return [(row["target"], row["date"], row["status"]) for row in rows if row["hour"] == "0"]


def test_all_that_is_known_is_written(store: str) -> None:
    """From the first day with figures of each target to the last, with missing days marked as such."""
    result = exported(store)
    assert result.exit_code == 0
    found = statuses(result.stdout)
    assert len(found) == 30 + 2
    april = {date: status for target, date, status in found if target == str(LINK)}
    assert [date[-2:] for date, status in april.items() if status == "not_fetched"] == [
        "10",
        "11",
        "12",
        "13",
        "14",
    ]
    assert april["2025-04-30"] == "not_reported"
    assert result.stdout.count("target,date,") == 1
    assert result.stderr.splitlines() == [
        f"missing: 5 of 32 days of 3 targets; see hourlyclicks status --store {store}",
        "left out: 1 target without any figures",
    ]


def test_the_form_is_that_of_a_series(store: str) -> None:
    """The rows equal those of a fetch."""
    known = days("2025-04-01", 2)
    series = merge_days(DateRange(*known), [answer(known[0]), answer(known[1], final=False)], target=HANGUL)
    words = ("--link", "한/글", "--domain", "https://vvd.bz")
    expected = io.StringIO()
    series.write_csv(expected)
    assert exported(store, *words).stdout == expected.getvalue()
    lines = exported(store, *words, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == series.to_rows()


@pytest.mark.parametrize("size", [1, 7, 366])
def test_the_text_does_not_depend_on_the_page_size(
    store: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many days are in memory at a time, the text is the same."""
    whole = exported(store).stdout
    monkeypatch.setattr(stored_account, "_CHUNK", size)
    assert exported(store).stdout == whole
    april = DateRange.of("2025-04-01", "2025-04-30")
    parts = list(chunks(april))
    assert [day for part in parts for day in part] == list(april)
    assert max(map(len, parts)) <= size


def test_a_file_is_private_and_has_its_format_from_its_name(store: str, tmp_path: Path) -> None:
    """With -o, the suffix decides, and stdout stays empty."""
    path = tmp_path / "clicks.jsonl"
    result = exported(store, "-o", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert len(path.read_text("utf-8").splitlines()) == 32 * 24
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert exported(store, "-o", "-").stdout == exported(store).stdout
    assert exported(store, "-o", str(tmp_path / "x.json")).exit_code == 2
    assert exported(store, "-o", "/no/such/folder/x").exit_code == 11


def test_days_before_the_first_day_of_a_target_do_not_count(store: str, tmp_path: Path) -> None:
    """Neither are they missing nor written, with a range and without one."""
    listed = tmp_path / "links.csv"
    listed.write_text(f"target,since\n{LINK},2025-04-15\n{HANGUL},\n")
    for words, number in (
        ((), 16 + 2),
        (("--from", "2025-04-14", "--to", "2025-04-30", "--partial"), 16 + 17),
    ):
        result = exported(store, "--targets", str(listed), *words)
        found = statuses(result.stdout)
        assert len(found) == number
        assert min(date for target, date, _ in found if target == str(LINK)) == "2025-04-15"
        assert f"missing: {17 if words else 0}" in (result.stderr or "missing: 0")


def test_a_range_must_be_complete(store: str, tmp_path: Path) -> None:
    """If days are missing, the exit code is 10, and nothing is written without --partial."""
    words = ("--from", "2025-04-01", "--to", "2025-04-02", "-o", str(tmp_path / "clicks.csv"))
    result = exported(store, *words)
    assert (result.exit_code, result.stdout) == (10, "")
    said = "missing: 2 of 6 days of 3 targets; see hourlyclicks status"
    assert f"{said} --from 2025-04-01 --to 2025-04-02 --store {store}\n" in result.stderr
    assert not (tmp_path / "clicks.csv").exists()
    assert exported(store, *words, "--partial").exit_code == 10
    found = statuses((tmp_path / "clicks.csv").read_text("utf-8"))
    assert [status for target, _, status in found if target == str(TEAM)] == ["not_fetched"] * 2
    link = ("--link", "kYdr", "--domain", "https://vvd.bz")
    result = exported(store, "--from", "2025-04-01", "--to", "2025-04-02", *link)
    assert (result.exit_code, len(statuses(result.stdout)), result.stderr) == (0, 2, "")


def test_nothing_at_all_is_no_export(store: str, tmp_path: Path) -> None:
    """An empty store and unknown days or targets are errors, also with --partial."""
    nothing = str(empty(tmp_path / "empty.db"))
    march = ("--from", "2025-03-01", "--to", "2025-03-31", "--partial")
    assert [exported(where).exit_code for where in (nothing, str(tmp_path / "none.db"))] == [2, 12]
    assert exported(store, "--group", "8").exit_code == 2
    for result in (exported(store, *march), exported(nothing, "--group", "8", *march)):
        assert (result.exit_code, result.stdout) == (10, "")


def test_one_account_at_a_time(store: str, tmp_path: Path) -> None:
    """Several accounts may have the same targets, so the account must be named."""
    fill(tmp_path / "clicks.db", TEAM, [answer(days("2025-05-01", 1)[0])], account="news")
    result = exported(store)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--account-name" in result.stderr
    assert statuses(exported(store, "--account-name", "news").stdout) == [
        ("group 7", "2025-05-01", "reported")
    ]
    assert len(statuses(invoke("export", "--store", store).stdout)) == 32
