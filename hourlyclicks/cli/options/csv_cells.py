"""The cells of a CSV file: what stands in each, whether in quotes, and in which line.

Quotes matter here: blanks around a cell without quotes are layout, blanks inside of quotes belong to
the value. The ``csv`` module does not tell the two apart. Only CR, LF and both end a line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTED = re.compile(r'[ \t]*"([^"]*(?:""[^"]*)*)("?)[ \t]*')
_PLAIN = re.compile(r"[^,\r\n]*")
_LINE_END = re.compile(r"\r\n|\r|\n")


class CellError(ValueError):
    """A cell that cannot be read.

    Args:
        line: in which line.
        problem: what is wrong.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


@attrs.frozen
class Cell:
    """One cell.

    Args:
        text: what stands in it, without the blanks around it.
        quoted: whether it was in quotes; then it is to the letter.
    """

    text: str
    quoted: bool = False


@attrs.frozen
class Row:
    """One row.

    Args:
        line: the number of the line it begins in, from 1.
        cells: what stands in it.
    """

    line: int
    cells: list[Cell]

    def __bool__(self) -> bool:
        """Whether anything stands in it."""
        return any(cell.text for cell in self.cells)


def read_rows(text: str) -> Iterator[Row]:
    """Yield the rows of a CSV.

    Raises:
        CellError: a quote is never closed, or text stands behind a closing one.
    """
    place, line = 0, 1
    while place < len(text):
        row = Row(line, [])
        while True:
            begin = place
            cell, place = _read_cell(text, place, line)
            row.cells.append(cell)
            if cell.quoted:
                line += len(_LINE_END.findall(text, begin, place))
            if text[place : place + 1] != ",":
                break
            place += 1
        yield row
        end = _LINE_END.match(text, place)
        place, line = (end.end(), line + 1) if end else (len(text), line)


def _read_cell(text: str, place: int, line: int) -> tuple[Cell, int]:
    """Return a cell, and the place behind it."""
    if quoted := _QUOTED.match(text, place):
        if not quoted[2]:
            raise CellError(line, "a quote is opened and never closed")
        if text[quoted.end() : quoted.end() + 1] not in {"", ",", "\r", "\n"}:
            raise CellError(line, "text stands behind a closing quote; a quote inside of quotes is doubled")
        return Cell(quoted[1].replace('""', '"'), quoted=True), quoted.end()
    plain = _PLAIN.match(text, place)
    assert plain is not None  # noqa: S101 - the pattern matches nothing as well
    return Cell(plain[0].strip(" \t")), plain.end()
