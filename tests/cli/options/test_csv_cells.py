"""The cells of a CSV file."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.cli.options.csv_cells import Cell, CellError, read_rows

CELLS = st.text(st.sampled_from('ab ",\r\n\t\x0b\u2028한'), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_was_written_in_quotes_is_read_to_the_letter(table: list[list[str]], end: str) -> None:
    """Any content of cells is read exactly, with any line ends."""
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator=end).writerows(table)
    rows = list(read_rows(file.getvalue()))
    assert [[cell.text for cell in row.cells] for row in rows] == table
    assert all(cell.quoted for row in rows for cell in row.cells)


@given(st.text(st.sampled_from('a ",\r\n')))
def test_a_csv_is_read_as_the_library_reads_it_or_refused(text: str) -> None:
    """Except for blanks around cells, around quotes, and quotes after blanks."""
    try:
        rows = [[cell.text for cell in row.cells] for row in read_rows(text.replace(" ", "b"))]
    except CellError:
        return
    assert [row for row in rows if row != [""]] == [
        row for row in csv.reader(io.StringIO(text.replace(" ", "b"), newline="")) if row not in ([], [""])
    ]


def test_rows_know_their_lines() -> None:
    """A row has the line it begins in, also after a cell of several lines."""
    rows = list(read_rows('a,"b\r\n\n"\n\n c ,\r d'))
    assert [row.line for row in rows] == [1, 4, 5, 6]
    assert [row.cells for row in rows] == [
        [Cell("a"), Cell("b\r\n\n", quoted=True)],
        [Cell("")],
        [Cell("c"), Cell("")],
        [Cell("d")],
    ]
    assert [bool(row) for row in rows] == [True, False, True, True]


@pytest.mark.parametrize(("text", "line"), [('a\n"b\nc', 2), ('"a\n"b', 1), ('a\n\n"b""', 3)])
def test_unmatched_quotes_are_an_error_with_their_line(text: str, line: int) -> None:
    """It is the line of the cell with the opening quote."""
    with pytest.raises(CellError) as caught:
        list(read_rows(text))
    assert caught.value.line == line
