"""The hours of the week as a picture: 7 x 24 shades, in colour where there is any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from hourlyclicks.render.tables import WEEKDAYS, level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.render.tables import Palette

_CELL = 3
_COLOURS = tuple(f"color({number})" for number in (25, 31, 37, 72, 107, 178, 208, 202))
"""From quiet to busy, two for each shade: blue to orange, which can be told apart without red and green."""


def heatmap(table: Sequence[Sequence[int]], palette: Palette) -> list[Text]:
    """Return the lines of a heatmap, 76 columns wide.

    Args:
        table: 7 x 24 clicks, Monday first.
        palette: the characters to draw with.
    """
    most = max(max(row) for row in table)
    header = Text("    " + "".join(f"{hour:02} " for hour in range(24)), style="dim")
    rows = [_row(name, row, most, palette) for name, row in zip(WEEKDAYS, table, strict=True)]
    return [header, *rows, _legend(most, palette)]


def _row(name: str, row: Sequence[int], most: int, palette: Palette) -> Text:
    line = Text(f"{name} ")
    for value in row:
        line.append(*_cell(value, most, palette))
    return line


def _cell(value: int, most: int, palette: Palette) -> tuple[str, str]:
    if not value:
        return palette.nothing.center(_CELL), "dim"
    step = level(value, most, len(_COLOURS))
    return palette.shades[step * len(palette.shades) // len(_COLOURS)] * _CELL, _COLOURS[step]


def _legend(most: int, palette: Palette) -> Text:
    """Say what the shades mean: each covers the same part of the way from 0 to the most."""
    line = Text("    clicks up to")
    shades = palette.shades
    for step, shade in enumerate(shades, start=1):
        line.append("   ")
        for colour in _COLOURS[step * 2 - 2 : step * 2]:
            line.append(shade, style=colour)
        line.append(f" {most * step // len(shades):,}")
    return line
