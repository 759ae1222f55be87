import csv
import datetime as dt
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.export import COLUMNS, Row, csv_cell
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account, Link
from tests.model.strategies import FIRST, TARGETS, a_day, series

Known = tuple[dt.date, int, int | None, int | None, str]

NASTY = Link('서울,"=1+1"\r\nß/+%&#', "https://vvd.bz")
TWO_DAYS = merge_days(DateRange(FIRST, FIRST + dt.timedelta(days=1)), [a_day(FIRST)], target=Account())


def _known(known: HourlySeries) -> list[Known]:
    """Return the state and the figures of each hour of a series."""
    return [(h.date, h.hour, h.clicks, h.unique_users, h.status.value) for h in known]


def _of_row(row: Row) -> Known:
    return (
        dt.date.fromisoformat(row["date"]),
        row["hour"],
        row["clicks"],
        row["unique_users"],
        row["status"],
    )


def _of_line(line: dict[str, str]) -> Known:
    """Read a line of CSV strictly: empty is not zero."""
    clicks, users = (int(line[name]) if line[name] else None for name in ("clicks", "unique_users"))
    return dt.date.fromisoformat(line["date"]), int(line["hour"]), clicks, users, line["status"]


def _csv(known: HourlySeries) -> str:
    file = io.StringIO(newline="")
    known.write_csv(file)
    return file.getvalue()


def _jsonl(known: HourlySeries) -> str:
    file = io.StringIO(newline="")
    known.write_jsonl(file)
    return file.getvalue()


def _read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@given(st.sampled_from(TARGETS).flatmap(series))
def test_rows_say_what_the_series_says(known: HourlySeries) -> None:
    """Each hour is a dict with the named keys, with three different states."""
    rows = known.to_rows()
    assert _known(known) == [_of_row(row) for row in rows]
    assert {COLUMNS} == {tuple(row) for row in rows}
    assert {str(known.target)} == {row["target"] for row in rows}


@given(st.sampled_from([*TARGETS, NASTY]).flatmap(series))
def test_csv_says_what_the_series_says(known: HourlySeries) -> None:
    """The csv module reads the counts, gaps and state of each hour, and the target."""
    lines = _read_csv(_csv(known))
    assert _known(known) == [_of_line(line) for line in lines]
    assert {str(known.target)} == {line["target"] for line in lines}


@given(st.sampled_from([*TARGETS, NASTY]).flatmap(series))
def test_jsonl_is_the_rows_a_line_each(known: HourlySeries) -> None:
    """Each line, split at newlines, is the JSON of one row, its keys in order, in ASCII."""
    text = _jsonl(known)
    assert text.isascii()
    assert [list(row.items()) for row in known.to_rows()] == [
        list(json.loads(line).items()) for line in text.removesuffix("\n").split("\n")
    ]


def test_csv_to_the_letter() -> None:
    """A reported zero, an hour not reported and an hour not fetched look different."""
    lines = _csv(TWO_DAYS).split("\n")
    assert lines[0] == "target,date,hour,clicks,unique_users,status"
    assert lines[1] == "account,2024-02-25,0,1,1,reported"
    assert lines[12] == "account,2024-02-25,11,0,0,reported"
    assert lines[13] == "account,2024-02-25,12,,,not_reported"
    assert lines[25] == "account,2024-02-26,0,,,not_fetched"
    assert lines[49:] == [""]


def test_jsonl_to_the_letter() -> None:
    """A line has every key, and null for what is not known."""
    start = '{"target": "account", "date": "2024-02-2'
    lines = _jsonl(TWO_DAYS).split("\n")
    assert lines[0] == start + '5", "hour": 0, "clicks": 1, "unique_users": 1, "status": "reported"}'
    assert (
        lines[12] == start + '5", "hour": 12, "clicks": null, "unique_users": null, "status": "not_reported"}'
    )
    assert (
        lines[24] == start + '6", "hour": 0, "clicks": null, "unique_users": null, "status": "not_fetched"}'
    )
    assert lines[48:] == [""]


def test_csv_can_go_without_its_header() -> None:
    """Without the header the rest is the same, so that several series may share a file."""
    file = io.StringIO(newline="")
    TWO_DAYS.write_csv(file, header=False)
    assert _csv(TWO_DAYS) == ",".join(COLUMNS) + "\n" + file.getvalue()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(start: str) -> None:
    """Text that a spreadsheet would run has an apostrophe in front, and quotes where CSV needs them."""
    (line,) = csv.reader([csv_cell(start + 'cmd|" /C calc"!A0')], strict=True)
    assert line == ["'" + start + 'cmd|" /C calc"!A0']


@given(st.text().filter(lambda text: not text.startswith(("=", "+", "-", "@", "\t", "\r"))))
def test_other_text_comes_back_as_it_was(text: str) -> None:
    """The csv module reads the same text from any cell."""
    line = csv_cell(text) + ",end\n"
    assert [[text, "end"]] == list(csv.reader(io.StringIO(line, newline=""), strict=True))


@pytest.mark.parametrize("as_given", [str, Path])
@pytest.mark.parametrize(
    ("write", "text"),
    [(HourlySeries.write_csv, _csv(TWO_DAYS)), (HourlySeries.write_jsonl, _jsonl(TWO_DAYS))],
)
def test_a_path_is_written_as_a_stream_is(
    write: Callable[[HourlySeries, str | Path], None],
    text: str,
    as_given: Callable[[Path], str | Path],
    tmp_path: Path,
) -> None:
    """A file named by text or Path has the same bytes on every system; an older one is replaced."""
    path = tmp_path / "out"
    for _ in range(2):
        write(TWO_DAYS, as_given(path))
        assert text.encode() == path.read_bytes()


def test_a_new_file_is_private(tmp_path: Path) -> None:
    """Only the owner can read a file that an export creates; an existing file keeps its mode."""
    new, old = tmp_path / "new.csv", tmp_path / "old.csv"
    old.touch()
    old.chmod(0o644)
    for path in (new, old):
        TWO_DAYS.write_csv(path)
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert stat.S_IMODE(old.stat().st_mode) == 0o644


def test_text_is_utf_8(tmp_path: Path) -> None:
    """A link id in Hangul is written as such, whatever the machine's own encoding."""
    known = merge_days(DateRange(FIRST, FIRST), [], target=Link("서울", "https://vvd.bz"))
    known.write_csv(tmp_path / "out.csv")
    assert "https://vvd.bz/서울,2024-02-25,0,,,not_fetched\n".encode() in (tmp_path / "out.csv").read_bytes()


class _Pieces(list[str]):
    """A stream that keeps each piece that is written."""

    write = list.append


@pytest.mark.parametrize("write", [HourlySeries.write_csv, HourlySeries.write_jsonl])
def test_text_is_written_day_by_day(write: Callable[[HourlySeries, _Pieces], None]) -> None:
    """No piece has more than a day, however long the series; the stream stays open."""
    year = merge_days(DateRange.of("2024-01-01", "2024-12-31"), [], target=Account())
    pieces = _Pieces()
    write(year, pieces)
    assert max(piece.count("\n") for piece in pieces) == 24
    assert sum(piece.count("\n") for piece in pieces) - 366 * 24 in {0, 1}
