"""Tables as an Excel workbook of one sheet.

Text is never taken for a formula, a number or an address: a workbook can have 65,530 links, and a target
``=1+1`` is a name. Rows go to a temporary file, so the memory does not grow with them.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hourlyclicks.errors import UsageError
from hourlyclicks.files.replace import replacing_bytes
from hourlyclicks.model.extras import needing
from hourlyclicks.model.frames.detachable import DetachableStream
from hourlyclicks.model.frames.table import Kind
from hourlyclicks.model.frames.values import rows

with needing("xlsxwriter", extra="excel"):
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from hourlyclicks.model.frames.table import Field, Table

MOST_ROWS = 1_048_575
"""Rows of a sheet besides its header."""

_FIRST_YEAR = 1900
_WIDTHS = {Kind.TEXT: 14, Kind.DATE: 11, Kind.MOMENT: 20}
_WIDTH, _TARGET_WIDTH = 12, 40
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


class Sheet:
    """The sheet of a workbook.

    Args:
        book: the workbook of xlsxwriter.
        name: the name of the sheet.
        fields: the columns; none of them is a `Kind.TIME`, as Excel has no time zones.
    """

    def __init__(self, book: Any, name: str, fields: Sequence[Field]) -> None:  # noqa: ANN401 - xlsxwriter has no types
        self._fields = fields
        self._sheet = book.add_worksheet(name)
        bold = book.add_format({"bold": True})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet.freeze_panes(1, 0)
        for place, field in enumerate(fields):
            width = _TARGET_WIDTH if field.name == "target" else _WIDTHS.get(field.kind, _WIDTH)
            self._sheet.set_column(place, place, width)
            self._sheet.write_string(0, place, field.name, bold)
        self._next = 1

    def add(self, table: Table) -> None:
        """Write a row for each row of a table; a null is an empty cell.

        Raises:
            UsageError: it has days before 1900, which Excel does not know.
        """
        for row in rows(table, self._fields):
            for place, value in enumerate(row):
                if value is not None:
                    self._write(place, value)
            self._next += 1

    def _write(self, place: int, value: object) -> None:
        sheet, row = self._sheet, self._next
        if isinstance(value, str):
            sheet.write_string(row, place, value)
        elif isinstance(value, bool):
            sheet.write_boolean(row, place, value)
        elif isinstance(value, int):
            sheet.write_number(row, place, value)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(row, place, value.astimezone(dt.UTC).replace(tzinfo=None), self._moment)
        elif isinstance(value, dt.date):
            if value.year < _FIRST_YEAR:
                raise UsageError(f"Excel has no day {value}: its first one is {_FIRST_YEAR}-01-01")
            sheet.write_datetime(row, place, value, self._day)

    def abandon(self) -> None:
        """Close the temporary file of the rows, which xlsxwriter closes only when it writes the workbook."""
        rows_file = getattr(self._sheet, "row_data_fh", None)
        if rows_file is not None:
            rows_file.close()

    def finish(self) -> None:
        """Let the columns be filtered."""
        self._sheet.autofilter(0, 0, self._next - 1, len(self._fields) - 1)


@contextmanager
def writing_sheet(stream: IO[bytes], name: str, fields: Sequence[Field]) -> Iterator[Sheet]:
    """Write a workbook of one sheet to a stream, which stays open; after an error nothing is written."""
    with tempfile.TemporaryDirectory(prefix="hourlyclicks-") as folder:
        sink = DetachableStream(stream)
        book = xlsxwriter.Workbook(sink, {**_OPTIONS, "tmpdir": folder})
        sheet = Sheet(book, name, fields)
        try:
            yield sheet
            sheet.finish()
            _close(book)
        except BaseException:
            sink.abandon()
            sheet.abandon()
            raise


def _close(book: Any) -> None:  # noqa: ANN401 - as above
    """Write the workbook; xlsxwriter makes an exception of its own of an `OSError`."""
    try:
        book.close()
    except FileCreateError as error:
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def check_rows(number: int) -> None:
    """Refuse more rows than a sheet has besides its header.

    Raises:
        UsageError: there are more.
    """
    if number > MOST_ROWS:
        raise UsageError(f"an Excel sheet has {MOST_ROWS:,} rows, not {number:,}: use Parquet or CSV")


def write_excel(table: Table, path: str | os.PathLike[str]) -> None:
    """Write a table into a file; see `hourlyclicks.model.frames.tabular.Tabular.write_excel`."""
    if Kind.TIME in [field.kind for field in table.fields]:
        raise UsageError("Excel has no time zones: write the series, which has dates and hours")
    check_rows(len(table))
    name = "hours" if "hour" in [field.name for field in table.fields] else "days"
    with replacing_bytes(Path(path)) as stream, writing_sheet(stream, name, table.fields) as sheet:
        sheet.add(table)
