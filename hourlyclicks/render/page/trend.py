"""The clicks a day as a figure: bars, their running mean, and hatched gaps.

Of more than 400 days, a bar is the mean of a week or of four, so that it can still be seen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.aggregate import running_mean
from hourlyclicks.model.bursts import axis_end, bursts, labelled
from hourlyclicks.render.page.axis import WIDTH, Axis, plain
from hourlyclicks.render.page.english import compact
from hourlyclicks.render.page.heatmap import LONGEST, marks, runs
from hourlyclicks.render.page.hours import FINAL, MISSING, PROVISIONAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hourlyclicks.model.bursts import Burst
    from hourlyclicks.render.page.hours import Hours

HEIGHT = 160
"""The height of the bars in their own units, upwards, in which a bar is 1 wide."""

_WEEK = 7
_MOST_BARS = 530
_TICKS = 4
_NICE = (1, 2, 5, 10)
_UNREPORTED = FINAL + 1
_ASIDE, _LABEL = 7, 84
"""How far the label of a cut-off bar is beside it, and how much room it needs."""


@attrs.frozen
class Label:
    """The count of a bar that is cut off, or the greatest of several.

    Args:
        place: where the text begins or ends.
        text: the count.
        before: whether it ends there, since there is no room to the right.
    """

    place: float
    text: str
    before: bool


@attrs.frozen
class Trend:
    """The figure.

    Args:
        step: days of a bar: 1, 7 or 28.
        axis: where the days are.
        number: how many bars there are.
        most: the number of clicks at the top, see `hourlyclicks.model.bursts`.
        bars: the outline of the bars, as an SVG path.
        line: the running mean, as an SVG path.
        missing: where bars without any fetched day begin, and how wide they are.
        unreported: likewise for fetched days without figures.
        marks: where bars with provisional days begin, and how wide their marks are.
        beyond: where bars are that are cut off at the top.
        labels: the labels of the greatest of these.
    """

    step: int
    axis: Axis
    number: int
    most: int
    bars: str
    line: str
    missing: tuple[tuple[float, float], ...]
    unreported: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, float], ...]
    beyond: tuple[float, ...]
    labels: tuple[Label, ...]

    @property
    def width(self) -> float:
        """The width of all bars."""
        return plain(self.number * self.step * self.axis.width)

    def ticks(self, height: int) -> Iterator[tuple[float, str]]:
        """Yield round numbers of clicks and where they are, measured from the top of so high a figure."""
        step = _round_step(self.most)
        for count in range(0, self.most + 1, step):
            yield plain(height * (1 - count / self.most)), compact(count)


def trend(hours: Hours) -> Trend:
    """Return the figure of a series."""
    days = len(hours.range)
    step = 1 if days <= LONGEST else _WEEK if days <= _MOST_BARS * _WEEK else 4 * _WEEK
    parts = [slice(first, first + step) for first in range(0, days, step)]
    means = [_mean(hours.by_day[part]) for part in parts]
    states = [hours.states[part] for part in parts]
    known = bytes([_known(each, mean) for each, mean in zip(states, means, strict=True)])
    provisional = bytes([PROVISIONAL if PROVISIONAL in each else FINAL for each in states])
    axis = Axis.across(hours.range.start, days)
    wide = attrs.evolve(axis, days=len(parts), width=axis.width * step)
    most = max(1, math.ceil(axis_end(mean for mean in means if mean is not None)))
    found = list(bursts(means, most))
    return Trend(
        step,
        axis,
        len(parts),
        most,
        _outline(means, most),
        _line(running_mean(means), most),
        tuple(wide.across_days(*run) for run in runs(known, MISSING)),
        tuple(wide.across_days(*run) for run in runs(known, _UNREPORTED)),
        marks(provisional, wide),
        tuple(wide.at(burst.middle) for burst in found),
        tuple(_label(burst, wide) for burst in labelled(found, _LABEL / wide.width)),
    )


def _label(burst: Burst, axis: Axis) -> Label:
    place = axis.at(burst.middle)
    before = place + _LABEL > WIDTH
    text = compact(burst.most) if burst.single else f"up to {compact(burst.most)}"
    return Label(plain(place - _ASIDE if before else place + _ASIDE), text, before)


def _mean(counts: Sequence[int | None]) -> float | None:
    known = [count for count in counts if count is not None]
    return sum(known) / len(known) if known else None


def _known(states: bytearray, mean: float | None) -> int:
    """Return what is known of the days of a bar: figures, none although they were fetched, or nothing."""
    if mean is not None:
        return FINAL
    return MISSING if max(states) == MISSING else _UNREPORTED


def _outline(means: Sequence[float | None], most: int) -> str:
    """Return the outline of bars that stand side by side."""
    steps = [f"V{_height(mean or 0, most)}h1" for mean in means]
    return f"M0 0{''.join(steps)}V0z"


def _line(means: Sequence[float | None], most: int) -> str:
    """Return a line through the middle of the bars, which ends at each gap."""
    path, before = "", None
    for place, mean in enumerate(means):
        height = None if mean is None else _height(mean, most)
        if height is not None:
            path += f"M{place} {height}h.01" if before is None else f"l1 {height - before}"
        before = height
    return path.replace(" -", "-").replace("h.01l1", "l1")


def _height(count: float, most: int) -> int:
    return round(HEIGHT * count / most)


def _round_step(most: int) -> int:
    """Return the round number of which two to four are below the top: 1, 2 or 5 with zeros."""
    least = -(-most // _TICKS)
    power = int("1" + "0" * (len(str(least)) - 1))
    return next(nice * power for nice in _NICE if nice * power >= least)
