"""What several pictures have in common: hatched cells, marks above days, the scale, and what they mean."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.textpath import TextPath

from hourlyclicks.model.bursts import bursts, labelled
from hourlyclicks.model.day import HOURS
from hourlyclicks.render.plots.ticks import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

    from hourlyclicks.model.bursts import Burst
    from hourlyclicks.render.plots.arithmetic import Marks, Numbers
    from hourlyclicks.render.plots.picture import Sheet
    from hourlyclicks.render.plots.subject import Subject

NOT_REPORTED = "//////"
NOT_FETCHED = "xxxx"
HATCHES = {"not reported": NOT_REPORTED, "not fetched": NOT_FETCHED}
"""The hatching of hours without figures, by its name in the legend."""

PROVISIONAL = "provisional, may still change"
"""The name of the orange mark in the legend."""

DAYS, MEAN = "clicks a day", "mean of 7 days"
"""The names of bars and of the line above them."""

BEYOND = "beyond the axis"
"""The name of the mark of days that are cut off."""

_NARROWEST = 2.0
"""How wide hatching is at least, in points; a day of ten years is thinner than a pixel."""

_MARK = 0.055
_MARK_GAP = 0.03
_CORNERS = 4
_SWATCH, _SWATCH_HEIGHT, _LINE_HEIGHT = 0.2, 0.11, 0.025
_POINTS = 72
_BURST_TOP, _BURST_GAP, _BURST_LABEL = 0.09, 0.07, 0.62
"""How far a mark is below the top, how far its label is beside it, and how much room a label needs."""

_HINTED = 1.05
"""How much wider a text becomes when its letters are fitted to pixels."""

_SWATCH_GAP, _LEGEND_GAP, _LEGEND_SIZE, _LEGEND_ROW = 0.09, 0.24, 9, 0.2
_SCALE_WIDTH, _SCALE_HEIGHT = 2.4, 0.13
_NEARLY_BLACK = 0.04045
_PARTS = (0.1, 0.4)
"""Where a scale has labels, as parts of its end; about a third and two thirds of its length."""


def norm(end: float) -> Normalize:
    """Return how counts become shades: by their square roots, so that small ones can be told apart."""
    return PowerNorm(0.5, 0, end or 1, clip=True)


def heat(axes: Axes, cells: Numbers, sheet: Sheet, end: float, *, first: int = 0) -> None:
    """Draw a rectangle of counts; NaN is left out.

    Args:
        axes: where.
        cells: rows from the top, columns from the left.
        sheet: the sheet.
        end: the end of the scale.
        first: the place of the first column.
    """
    rows, columns = cells.shape
    axes.imshow(
        np.ma.masked_invalid(cells),
        cmap=sheet.theme.scale,
        norm=norm(end),
        extent=(first, first + columns, rows, 0),
        aspect="auto",
        interpolation="none",  # in an SVG the cells keep their edges
    )


def hatch(axes: Axes, cells: Marks, name: str, sheet: Sheet, *, first: int = 0, height: float = 1) -> None:
    """Hatch the marked cells of a rectangle, as one shape.

    Args:
        axes: where.
        cells: rows from the top, columns from the left.
        name: what it means, a key of `HATCHES`.
        sheet: the sheet.
        first: the place of the first column.
        height: the height of a row.
    """
    if not cells.any():
        return
    corners = [
        corner
        for left, right, top, bottom in _wide_enough(_blocks(cells), axes, sheet)
        for corner in ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    ]
    codes = [Path.MOVETO, *[Path.LINETO] * (_CORNERS - 1), Path.CLOSEPOLY] * (len(corners) // (_CORNERS + 1))
    shape = Path(np.array(corners) * (1, height) + (first, 0), codes)
    axes.add_patch(PathPatch(shape, label=name, zorder=2, **_hatched(name, sheet)))


def _wide_enough(
    blocks: Iterable[tuple[int, int, int, int]], axes: Axes, sheet: Sheet
) -> Iterator[tuple[float, float, int, int]]:
    """Yield blocks that can be seen: narrow ones grow to both sides."""
    begin, end = axes.get_xlim()
    least = _NARROWEST * abs(end - begin) / (axes.get_position().width * sheet.width * _POINTS)
    for left, right, top, bottom in blocks:
        more = max(0.0, least - (right - left)) / 2
        yield left - more, right + more, top, bottom


def _blocks(cells: Marks) -> Iterator[tuple[int, int, int, int]]:
    """Yield blocks of marked cells as left, right, top and bottom; they do not overlap."""
    open_blocks: dict[tuple[int, int], int] = {}
    for column in range(cells.shape[1] + 1):
        runs = set(_runs(cells[:, column])) if column < cells.shape[1] else set()
        for run in [run for run in open_blocks if run not in runs]:
            yield open_blocks.pop(run), column, *run
        for run in runs:
            open_blocks.setdefault(run, column)


def _runs(marks: Marks) -> Iterator[tuple[int, int]]:
    """Yield the beginning and the end of each run of marked cells."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], marks, [False])).astype(np.int8)))
    yield from ((int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True))


def _hatched(name: str, sheet: Sheet) -> dict[str, Any]:
    theme = sheet.theme
    return {"hatch": HATCHES[name], "facecolor": theme.ground, "edgecolor": theme.hatch, "linewidth": 0}


def mark_provisional(axes: Axes, days: Marks, sheet: Sheet, *, first: int = 0) -> None:
    """Draw an orange mark above each marked day; the axes have a place for each day."""
    height = axes.get_position().height * sheet.height
    for begin, end in _runs(days):
        axes.add_patch(
            Rectangle(
                (first + begin, 1 + _MARK_GAP / height),
                end - begin,
                _MARK / height,
                transform=axes.get_xaxis_transform(),
                facecolor=sheet.theme.provisional,
                edgecolor=sheet.theme.provisional,
                linewidth=0.6,  # a day of ten years is thinner than a pixel
                clip_on=False,
                label=PROVISIONAL,
            )
        )


def mark_bursts(axes: Axes, days: Numbers, sheet: Sheet, *, most: float, first: int = 0) -> None:
    """Draw a mark where days are cut off at the top, and write their counts beside the greatest of them.

    Args:
        axes: where; a day is 1 wide.
        days: a count a day; NaN: not known.
        sheet: the sheet.
        most: the count at the top.
        first: the place of the first day.
    """
    found = list(bursts(days.tolist(), most))
    if not found:
        return
    inches = axes.get_position().width * sheet.width / axes.get_xlim()[1]
    aside = _BURST_LABEL / inches
    look: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "label": BEYOND, "zorder": 4}
    height = 1 - _BURST_TOP / (axes.get_position().height * sheet.height)
    middles = [burst.middle + first for burst in found]
    axes.plot(middles, [height] * len(found), "^", color=sheet.theme.ink, markersize=4.5, **look)
    halo = [withStroke(linewidth=2.5, foreground=sheet.theme.background)]
    for burst in labelled(found, aside + _BURST_GAP / inches):
        left = burst.middle + first + aside > axes.get_xlim()[1]
        axes.text(
            burst.middle + first + (-1 if left else 1) * _BURST_GAP / inches,
            height,
            burst_label(burst),
            ha="right" if left else "left",
            va="center_baseline",
            size=8,
            path_effects=halo,
            **look,
        )


def burst_label(burst: Burst) -> str:
    """Return the count of a day beyond the axis, or the greatest of several, in words."""
    return short(burst.most) if burst.single else f"up to {short(burst.most)}"


def legend(
    sheet: Sheet, top: float, names: list[str], *, left: float | None = None, right: float = 0
) -> None:
    """Explain hatching and marks in a row, or in two.

    Args:
        sheet: the sheet.
        top: the vertical centre, in inches.
        names: keys of `HATCHES`, `PROVISIONAL`, `BEYOND`, `DAYS` or `MEAN`.
        left: where the row begins, in inches; what reaches beyond ``right`` is in a row below.
        right: where it ends, if ``left`` is not given.
    """
    widths = [_SWATCH + _SWATCH_GAP + _width(name) for name in names]
    start = right - sum(widths) - _LEGEND_GAP * (len(names) - 1) if left is None else left
    place = start
    for name, width in zip(names, widths, strict=True):
        if left is not None and place > start and place + width > right:
            place, top = start, top + _LEGEND_ROW
        sheet.picture.add_artist(_swatch(name, sheet, place, top))
        sheet.text(place + _SWATCH + _SWATCH_GAP, top, name, size=_LEGEND_SIZE)
        place += width + _LEGEND_GAP


def _swatch(name: str, sheet: Sheet, left: float, top: float) -> Artist:
    """Return what stands for a name in the legend; ``top`` is its vertical centre, in inches."""
    if name == BEYOND:
        place = [(left + _SWATCH / 2) / sheet.width], [1 - top / sheet.height]
        look: dict[str, Any] = {"color": sheet.theme.ink, "transform": sheet.picture.transFigure}
        return Line2D(*place, marker="^", markersize=4.5, linestyle="none", **look)
    thick = _LINE_HEIGHT if name == MEAN else _SWATCH_HEIGHT
    return Rectangle(
        (left / sheet.width, 1 - (top + thick / 2) / sheet.height),
        _SWATCH / sheet.width,
        thick / sheet.height,
        transform=sheet.picture.transFigure,
        **_look(name, sheet),
    )


@cache
def _width(text: str) -> float:
    """Return how wide a text of the legend is, in inches; the legends of all pictures have the same few."""
    outline = TextPath((0, 0), text, size=_LEGEND_SIZE).get_extents()
    return float(outline.width) / _POINTS * _HINTED


def _look(name: str, sheet: Sheet) -> dict[str, Any]:
    """Return how the swatch of the legend looks."""
    if name in HATCHES:
        return _hatched(name, sheet)
    theme = sheet.theme
    colour = {DAYS: theme.area, MEAN: theme.line, PROVISIONAL: theme.provisional}[name]
    return {"facecolor": colour, "linewidth": 0}


def states(subjects: Iterable[Subject]) -> list[str]:
    """Return what the legend of a picture of some series has to explain."""
    several = list(subjects)
    present = {
        "not reported": any(subject.not_reported.any() for subject in several),
        "not fetched": any(subject.missing.any() for subject in several),
        PROVISIONAL: any(subject.provisional.any() for subject in several),
    }
    return [name for name, there in present.items() if there]


def scale(
    sheet: Sheet, place: tuple[float, ...], counts: Numbers, end: float, *, unit: str, whole: bool = True
) -> None:
    """Draw the scale of counts, with its labels and its unit.

    Args:
        sheet: the sheet.
        place: left and top, and perhaps the width, in inches.
        counts: what the scale is for; where one lies beyond the end, the last label says so.
        end: the end of the scale; 0: all counts are zero.
        unit: what is counted.
        whole: whether only whole numbers are labelled.
    """
    if not np.isfinite(counts).any():
        return
    left, top, width = *place, *(_SCALE_WIDTH,)[: 3 - len(place)]
    axes = sheet.axes(left, top, width, _SCALE_HEIGHT)
    look: dict[str, Any] = {"cmap": sheet.theme.scale, "aspect": "auto", "interpolation": "none"}
    axes.imshow(np.linspace(0, 1, 255)[None, :], extent=(0, 1, 0, 1), **look)
    ticks = _scale_ticks(end, whole=whole)
    beyond = "≥ " if np.nanmax(counts) > end else ""
    labels = [short(tick) for tick in ticks]
    places = [(tick / (end or 1)) ** 0.5 for tick in ticks]
    axes.set_xticks(places, [*labels[:-1], beyond + labels[-1]], size=8)
    axes.set_yticks([])
    sheet.text(left + width + 0.22, top + _SCALE_HEIGHT / 2, unit, size=9)


def _scale_ticks(end: float, *, whole: bool) -> list[float]:
    """Return round counts within a scale, and its ends."""
    if not end:
        return [0.0]
    rounded = dict.fromkeys(float(f"{end * part:.1g}") for part in _PARTS)
    return [0.0, *(value for value in rounded if 0 < value < end and (not whole or value >= 1)), end]


def hour_ticks(axes: Axes, *, every: int = 3) -> None:
    """Label some hours of an axis of hours from the top."""
    hours = range(0, HOURS, every)
    axes.set_yticks([hour + 0.5 for hour in hours], [f"{hour:02}:00" for hour in hours])


def label_top(axes: Axes, cells: Numbers, sheet: Sheet, end: float, *, number: int = 3) -> None:
    """Write their counts into the cells with the most; equals are taken from the left."""
    flat = np.where(np.isnan(cells), -1, cells).ravel()
    for place in np.argsort(-flat, kind="stable")[:number]:
        if flat[place] <= 0:
            return
        row, column = divmod(int(place), cells.shape[1])
        shade = sheet.theme.scale(norm(end)(float(flat[place])))
        axes.text(
            column + 0.5,
            row + 0.5,
            short(float(flat[place])),
            ha="center",
            va="center",
            size=7.5,
            weight="bold",
            color=readable_on(shade),
            label="top",
        )


def readable_on(shade: tuple[float, float, float, float]) -> str:
    """Return black or white, whichever has the greater contrast with a colour."""
    light = luminance(shade)
    return "#000000" if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else "#ffffff"


def luminance(shade: tuple[float, float, float, float]) -> float:
    """Return the relative luminance of a colour, as the WCAG define it."""
    linear = [
        part / 12.92 if part <= _NEARLY_BLACK else ((part + 0.055) / 1.055) ** 2.4 for part in shade[:3]
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
