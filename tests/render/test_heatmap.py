"""The hours of the week as a picture."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from hourlyclicks.render.heatmap import heatmap
from hourlyclicks.render.tables import ASCII, UNICODE

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from hourlyclicks.render.tables import Palette

WEEK = [[(hour * 7 + day * 31) % 97 * 40 for hour in range(24)] for day in range(7)]
SILENCE = [[0] * 24 for _ in range(7)]


def drawn(week: list[list[int]], palette: Palette = UNICODE, *, colour: bool = False) -> str:
    """Return a heatmap as a terminal 80 columns wide gets it."""
    out = io.StringIO()
    system = "256" if colour else None
    console = Console(file=out, width=80, force_terminal=colour, color_system=system)  # type: ignore[arg-type]  # one of its literals
    for line in heatmap(week, palette):
        console.print(line)
    return out.getvalue()


@pytest.mark.parametrize("palette", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_the_heatmap_looks_like_this(palette: Palette, snapshot: SnapshotAssertion) -> None:
    """Seven lines of 24 shades, with hours, days and a legend."""
    assert drawn(WEEK, palette) == snapshot


def test_the_heatmap_in_colour_looks_like_this(snapshot: SnapshotAssertion) -> None:
    """In colour the shades are the same, so nothing is lost without it."""
    coloured = drawn(WEEK, colour=True)
    assert coloured == snapshot
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == drawn(WEEK)


def test_a_week_without_clicks_is_empty() -> None:
    """No shade is shown, and there is no division by zero."""
    cells = "".join(drawn(SILENCE).splitlines()[1:8])
    assert not set(cells) & set(UNICODE.shades)


def test_the_legend_is_right() -> None:
    """A value up to a bound has the shade of that bound; one more has the next."""
    bounds = [int(text.replace(",", "")) for text in re.findall(r"[░▒▓█]{2} ([\d,]+)", drawn(WEEK))]
    most = max(map(max, WEEK))
    assert bounds[-1] == most
    for place, bound in enumerate(bounds[:-1]):
        line = drawn([[bound, bound + 1, most, *[0] * 21], *SILENCE[1:]]).splitlines()[1]
        assert line[4:13] == UNICODE.shades[place] * 3 + UNICODE.shades[place + 1] * 3 + "███"
