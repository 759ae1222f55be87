"""Series as rows of a file, in each format that has all figures."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, TextIO, TypeAlias, cast

from hourlyclicks.model.frames.text_rows import write_csv_header, write_csv_rows, write_json_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hourlyclicks.cli.output.formats import Format
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.frames.layouts import Layout
    from hourlyclicks.model.series import HourlySeries

    Writer: TypeAlias = Callable[[HourlySeries | DailySeries], None]

_BYTE_ORDER_MARK = "\ufeff"


@contextmanager
def writing_rows(form: Format, layout: Layout, stream: IO[str], *, mark: bool = False) -> Iterator[Writer]:
    """Write a file of the rows of series; yield what adds those of one.

    Args:
        form: any format but a table.
        layout: what a row is.
        stream: the file, or stdout; binary formats use its buffer.
        mark: whether to begin with a byte order mark.
    """
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
        stream.write(_BYTE_ORDER_MARK if mark else "")
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
