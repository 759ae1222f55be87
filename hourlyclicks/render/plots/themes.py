"""The colours of the two themes, and the settings of matplotlib that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import attrs
from matplotlib.colors import LinearSegmentedColormap

from hourlyclicks.errors import UsageError
from hourlyclicks.render.plots.fonts import families

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

ThemeName: TypeAlias = Literal["light", "dark"]


@attrs.frozen
class Theme:
    """Colours, each as ``#rrggbb``.

    Args:
        background: behind everything.
        ink: the title, and labels of values.
        quiet: all other text.
        rule: lines of the grid.
        ground: behind the hatching of hours without figures.
        hatch: the hatching; its contrast with the ground is at least 3:1.
        shades: one hue from zero to the end of the scale.
        line: a line or a bar that must be seen.
        area: bars of which there are many.
        provisional: the mark of days whose figures may still change.
        less: the opposite of the hue, for differences below zero; from strong to weak.
        middle: a difference of zero.
    """

    background: str
    ink: str
    quiet: str
    rule: str
    ground: str
    hatch: str
    shades: tuple[str, ...]
    line: str
    area: str
    provisional: str
    less: tuple[str, ...]
    middle: str

    @property
    def scale(self) -> Colormap:
        """The colours of counts."""
        return LinearSegmentedColormap.from_list("clicks", self.shades)

    @property
    def differences(self) -> Colormap:
        """The colours of differences: the other hue below zero, the hue of counts above."""
        more = self.shades[2:-1]
        return LinearSegmentedColormap.from_list("differences", [*self.less, self.middle, *more])

    def settings(self) -> dict[str, Any]:
        """Return the settings of matplotlib, to be set on top of its defaults."""
        fonts = families()
        return {
            "axes.edgecolor": self.rule,
            "axes.facecolor": self.background,
            "axes.labelcolor": self.quiet,
            "figure.edgecolor": self.background,
            "figure.facecolor": self.background,
            "font.family": fonts,  # a list: matplotlib falls back from one font of a list to the next
            "font.sans-serif": fonts,
            "font.size": 9,
            "hatch.linewidth": 0.6,
            "image.composite_image": False,
            "svg.hashsalt": "hourlyclicks",  # with a random one, no two files would be equal
            "text.color": self.ink,
            "text.parse_math": False,  # an id of a link may hold "$"
            "xtick.color": self.rule,
            "xtick.labelcolor": self.quiet,
            "ytick.color": self.rule,
            "ytick.labelcolor": self.quiet,
        }


_THEMES: dict[str, Theme] = {
    "light": Theme(
        background="#ffffff",
        ink="#1f2933",
        quiet="#5b6675",
        rule="#e2e7ec",
        ground="#f7f7f5",
        hatch="#75808d",
        shades=("#e4effb", "#b3d3ef", "#6aa7dc", "#2f74bb", "#154a8c", "#051f45"),
        line="#1d5ea8",
        area="#b3c9e3",
        provisional="#cc5f14",
        less=("#a84e00", "#e58a1f", "#f6c98e"),
        middle="#f1f2f4",
    ),
    "dark": Theme(
        background="#11151c",
        ink="#e6eaef",
        quiet="#9aa5b1",
        rule="#2a323c",
        ground="#1e2023",
        hatch="#8d959e",
        shades=("#142a42", "#18447a", "#1f6cb6", "#4a9fdc", "#9bcef0", "#f2f9ff"),
        line="#69b1ea",
        area="#28517c",
        provisional="#f0a04f",
        less=("#ffb866", "#d9832b", "#7a4a1c"),
        middle="#262b33",
    ),
}


def theme_named(name: str) -> Theme:
    """Return a theme.

    Raises:
        UsageError: it is neither ``"light"`` nor ``"dark"``.
    """
    if name not in _THEMES:
        raise UsageError(f"a theme is 'light' or 'dark', not {name!r}")
    return _THEMES[cast("ThemeName", name)]
