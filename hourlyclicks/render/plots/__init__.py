"""Pictures of series, drawn by matplotlib: a calendar of hours, a week, a trend, a comparison.

The rules that all of them keep:

* Zero, *not reported* and *not fetched* never look alike. Zero is the palest shade of the scale; the other
  two are hatched, ``//////`` and ``xxxx``, on a ground that is no shade of the scale.
* A scale of counts is one hue, and ends at the 99.5th percentile: a single burst must not make a year pale.
  Where counts lie beyond, its last label begins with "≥".
* No line and no mean crosses a gap.
* Unique users are not added up, neither over hours nor over days.
* Days whose figures may still change have an orange mark above them.

``arithmetic`` computes what is drawn, from arrays; `Picture` keeps a figure independent of the settings of
the program that draws or saves it.
"""

from __future__ import annotations

from importlib.util import find_spec

from hourlyclicks.errors import UsageError

MOST_COMPARED = 24
"""How many series a comparison has room for."""


def check_installed() -> None:
    """Check that matplotlib is there, without importing it.

    Raises:
        UsageError: it is not.
    """
    if find_spec("matplotlib") is None:
        raise UsageError("pictures need matplotlib: pip install 'hourlyclicks[plot]'")
