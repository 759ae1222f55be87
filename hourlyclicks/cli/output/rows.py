"""Series as rows of a file, in each format that has all figures."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, TextIO, TypeAlias, cast

import attrs

from hourlyclicks.cli.output.formats import Format
from hourlyclicks.model.frames.layouts import Layout
from hourlyclicks.model.frames.text_rows import write_csv_header, write_csv_rows, write_json_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.series import HourlySeries

    Writer: TypeAlias = Callable[[HourlySeries | DailySeries], None]

_BYTE_ORDER_MARK = "\ufeff"


@attrs.frozen
class Shape:
    """The form of an output.

    Args:
        form: the format.
        layout: what a row is; a table of hours has a row for each day, all the same.
        mark: whether a CSV begins with a byte order mark.
    """

    form: Format
    layout: Layout
    mark: bool = False


@contextmanager
def writing_rows(shape: Shape, stream: IO[str]) -> Iterator[Writer]:
    """Write a file of the rows of series; yield what adds those of one.

    Args:
        shape: what it is; any format but a table.
        stream: the file, or stdout; binary formats use its buffer.
    """
    form, layout = shape.form, shape.layout
    if form == "parquet":
        from hourlyclicks.model.frames.parquet import ParquetFile  # noqa: PLC0415 - pyarrow is an extra

        with ParquetFile(cast("TextIO", stream).buffer, layout.fields) as file:
            yield lambda series: file.add(layout.table(series))
    elif form == "xlsx":
        from hourlyclicks.model.frames.excel import writing_sheet  # noqa: PLC0415 - xlsxwriter is an extra

        with writing_sheet(cast("TextIO", stream).buffer, layout.name, layout.fields) as sheet:
            yield lambda series: sheet.add(layout.table(series))
    elif form == "jsonl":
        yield lambda series: _write_jsonl(series, layout, stream)
    else:
        stream.write(_BYTE_ORDER_MARK if shape.mark else "")
        write_csv_header(layout.text_fields, stream)
        yield lambda series: _write_csv(series, layout, stream)


def _write_csv(series: HourlySeries | DailySeries, layout: Layout, stream: IO[str]) -> None:
    if layout.is_usual:
        series.write_csv(stream, header=False)
    else:
        write_csv_rows(layout.table(series), layout.text_fields, stream)


def _write_jsonl(series: HourlySeries | DailySeries, layout: Layout, stream: IO[str]) -> None:
    if layout.is_usual:
        series.write_jsonl(stream)
    else:
        write_json_rows(layout.table(series), layout.text_fields, stream)
