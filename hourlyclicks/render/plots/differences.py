"""In which hours of the week one series has a greater part of its clicks than another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import Normalize

from hourlyclicks.model.day import HOURS
from hourlyclicks.render.plots import arithmetic
from hourlyclicks.render.plots.weeks import hatch_week, label_week
from hourlyclicks.render.tables import WEEKDAYS

if TYPE_CHECKING:
    from hourlyclicks.render.plots.arithmetic import Numbers
    from hourlyclicks.render.plots.picture import Sheet
    from hourlyclicks.render.plots.subject import Subject

HEIGHT = 4.2
"""How much of a sheet it takes, in inches."""

_LEFT, _TOP, _WIDTH, _HEIGHT = 0.79, 0.62, 11.13, 2.5
_SCALE_WIDTH, _SCALE_HEIGHT = 2.4, 0.13
_NAME = 34
_MINUS = "\N{MINUS SIGN}"


def draw(sheet: Sheet, subjects: tuple[Subject, Subject], parts: tuple[Numbers, Numbers], top: float) -> None:
    """Draw the differences of two series.

    Args:
        sheet: the sheet.
        subjects: the series.
        parts: the part of each hour in the clicks of a week, in percent, 7 x 24, of each series.
        top: where, in inches.
    """
    one, other = (subject.name(_NAME) for subject in subjects)
    sheet.text(_LEFT, top, "Difference", size=10, weight="bold", color=sheet.theme.ink)
    text = "of the parts of the week's clicks that fall into each hour, in percentage points"
    sheet.text(_LEFT, top + 0.25, text, size=9)
    points = parts[0] - parts[1]
    known = np.abs(points[np.isfinite(points)])
    end = float(np.percentile(known, arithmetic.PERCENTILE)) if known.size else 0.0
    axes = sheet.axes(_LEFT, top + _TOP, _WIDTH, _HEIGHT)
    axes.imshow(
        np.ma.masked_invalid(points),
        cmap=sheet.theme.differences,
        norm=Normalize(-(end or 1), end or 1, clip=True),
        extent=(0, HOURS, len(WEEKDAYS), 0),
        aspect="auto",
        interpolation="none",
    )
    never = [arithmetic.never_fetched(subject.missing, subject.weekday) for subject in subjects]
    hatch_week(axes, points, never[0] | never[1], sheet)
    label_week(axes, sheet)
    if known.size:
        words = f"blue: a greater part of {one};  orange: of {other}"
        _scale(sheet, top + _TOP + _HEIGHT + 0.5, end, words, beyond=float(known.max()) > end)


def _scale(sheet: Sheet, top: float, end: float, words: str, *, beyond: bool) -> None:
    """Draw the scale of differences, from the other series to the one."""
    axes = sheet.axes(_LEFT + 0.2, top, _SCALE_WIDTH, _SCALE_HEIGHT)
    steps = np.linspace(0, 1, 255)[None, :]
    look: dict[str, Any] = {"cmap": sheet.theme.differences, "aspect": "auto", "interpolation": "none"}
    axes.imshow(steps, extent=(-1, 1, 0, 1), **look)
    less, more = ("≤ ", "≥ ") if beyond else ("", "")
    places = [(-1, less + _MINUS + f"{end:.2g}"), (0, "0"), (1, f"{more}+{end:.2g}")] if end else [(0, "0")]
    axes.set_xticks([place for place, _ in places], [label for _, label in places], size=8)
    axes.set_yticks([])
    sheet.text(_LEFT + 0.2 + _SCALE_WIDTH + 0.5, top + _SCALE_HEIGHT / 2, words, size=9)
