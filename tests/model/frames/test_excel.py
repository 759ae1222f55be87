"""Excel workbooks."""

from __future__ import annotations

import datetime as dt
import gc
import io
import os
import stat
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.frames.layouts import wide_layout
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account, Link
from tests.model.frames.sample import BERLIN, DAYS, a_series

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("xlsxwriter")

WEEK = DateRange(DAYS.start, DAYS.start + dt.timedelta(6))
WITHOUT = """
import sys
sys.modules["xlsxwriter"] = None
from hourlyclicks import UsageError
from tests.model.frames.sample import a_series
try:
    a_series().write_excel(sys.argv[1])
except UsageError as error:
    print(error)
"""


def cells(path: Path) -> list[tuple[Any, ...]]:
    """Return the cells of the only sheet, formulas as formulas."""
    from openpyxl import load_workbook  # noqa: PLC0415 - it takes long to import

    book = load_workbook(path)
    assert len(book.sheetnames) == 1
    return [tuple(row) for row in book.active.iter_rows(values_only=True)]


def test_a_sheet_has_the_rows_of_the_series(tmp_path: Path) -> None:
    """A number is a number, a day a day, and what is not known an empty cell."""
    known = a_series(days=WEEK)
    known.write_excel(tmp_path / "clicks.xlsx")
    header, *rows = cells(tmp_path / "clicks.xlsx")
    assert header == (*("target", "date", "hour", "clicks", "unique_users", "status", "final", "fetched_at"),)
    assert [row[3] for row in rows] == [hour.clicks for hour in known]
    assert [row[4] for row in rows] == [hour.unique_users for hour in known]
    assert [(row[1].date(), row[2], row[5]) for row in rows] == [
        (hour.date, hour.hour, hour.status) for hour in known
    ]
    fetched = {day.date: day for day in known.days()}
    for row in rows:
        day = fetched.get(row[1].date())
        assert row[6] == (None if day is None else day.final)
        if day is None:
            assert row[7] is None
        else:
            assert abs(row[7].replace(tzinfo=dt.UTC) - day.fetched_at) < dt.timedelta(milliseconds=1)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "clicks.xlsx").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["=1+1", "</script><img onerror=x>", "한글", "\x01", "_x0041_", "x" * 300])
def test_a_target_is_text(tmp_path: Path, name: str) -> None:
    """It is neither a formula nor a link, and is read as it was."""
    from openpyxl import load_workbook  # noqa: PLC0415 - it takes long to import
    from openpyxl.utils.escape import unescape  # noqa: PLC0415 - as above

    link = Link(name, "https://vvd.bz")
    a_series(link, DateRange(DAYS.start, DAYS.start)).write_excel(tmp_path / "x.xlsx")
    cell = load_workbook(tmp_path / "x.xlsx").active["A2"]
    assert (cell.data_type, cell.hyperlink) in {("s", None), ("inlineStr", None)}
    assert unescape(cell.value) == str(link)


@pytest.mark.parametrize("text", ["=1+1", "{=1+1}", "https://vvd.bz", "internal:x", "1", ""])
def test_no_text_is_anything_else(tmp_path: Path, text: str) -> None:
    """Whatever a cell of text holds, Excel does not interpret it."""
    from openpyxl import load_workbook  # noqa: PLC0415 - it takes long to import

    from hourlyclicks.model.frames.excel import write_excel  # noqa: PLC0415 - it needs the extra
    from hourlyclicks.model.frames.hours import TARGET  # noqa: PLC0415 - as above
    from hourlyclicks.model.frames.table import Column, Table  # noqa: PLC0415 - as above

    write_excel(Table((Column(TARGET, b"\0", labels=(text,)),)), tmp_path / "x.xlsx")
    cell = load_workbook(tmp_path / "x.xlsx").active["A2"]
    assert (cell.value or "") == text
    assert cell.data_type != "f"
    assert cell.hyperlink is None


def test_too_many_rows_are_refused_before_writing(tmp_path: Path) -> None:
    """120 years have more hours than a sheet has rows."""
    days = DateRange.of("1901-01-01", "2020-12-31")
    with pytest.raises(UsageError, match=r"has 1,048,575 rows, not 1,051,920: use Parquet or CSV"):
        merge_days(days, (), target=Account()).write_excel(tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("own_garbage")
def test_what_excel_does_not_have_is_refused(tmp_path: Path) -> None:
    """Days before 1900 and time zones are errors in words, and no file is left."""
    early = merge_days(DateRange.of("1899-12-31", "1900-01-01"), (), target=Account())
    with pytest.raises(UsageError, match="no day 1899-12-31"):
        early.write_excel(tmp_path / "x.xlsx")
    gc.collect()
    with pytest.raises(UsageError, match="no time zones"):
        a_series(days=WEEK).frame(timezone=BERLIN).write_excel(tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("own_garbage")
def test_after_an_error_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is there a part of a workbook, nor a temporary file."""
    from hourlyclicks.model.frames.excel import writing_sheet  # noqa: PLC0415 - it needs the extra

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    layout, stream = wide_layout(), io.BytesIO()

    def fail() -> None:
        with writing_sheet(stream, layout.name, layout.fields) as sheet:
            sheet.add(layout.table(a_series()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    gc.collect()
    assert stream.getvalue() == b""
    assert list(tmp_path.iterdir()) == []


def test_a_missing_library_names_its_extra(tmp_path: Path) -> None:
    """The sentence tells what to install, and nothing is written."""
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "x.xlsx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout == "this needs xlsxwriter: pip install 'hourlyclicks[excel]'\n"
    assert list(tmp_path.iterdir()) == []


class Full(io.BytesIO):
    """A file on a full disk."""

    def write(self, _: object) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")


@pytest.mark.usefixtures("own_garbage")
def test_a_full_disk_is_an_error_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workbook is written at its end, and what that raises is no exception of a library."""
    from hourlyclicks.model.frames.excel import writing_sheet  # noqa: PLC0415 - it needs the extra

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    layout = wide_layout()
    with (
        pytest.raises(OSError, match="No space left") as caught,
        writing_sheet(Full(), layout.name, layout.fields) as sheet,
    ):
        sheet.add(layout.table(a_series()))
    assert caught.value.errno == 28
    gc.collect()
    assert list(tmp_path.iterdir()) == []
