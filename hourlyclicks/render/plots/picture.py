"""A figure that looks the same wherever it is drawn, and a sheet to place things on.

matplotlib reads many of its settings when a figure is *drawn*, which is long after it was made: when the user
saves it, or a notebook shows it, with settings of their own. So a `Picture` brings its settings along.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.text import Text

    from hourlyclicks.render.plots.themes import Theme

_WITHOUT_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""What leaves out the time of writing, by the format: two files of one picture are equal."""

_LEFT = 0.46
_TITLE, _SUBTITLE = 0.31, 0.6


@contextmanager
def settings(changes: dict[Any, Any]) -> Iterator[None]:
    """Use the defaults of matplotlib with some changes, in place of the user's settings, for a block."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(changes)
        yield


class Picture(Figure):
    """A figure that is drawn and saved with its own settings of matplotlib, whatever the user's are.

    Args:
        theme: the colours.
        width: in inches.
        height: in inches.
    """

    def __init__(self, theme: Theme, width: float, height: float) -> None:
        self._own_settings: dict[Any, Any] = theme.settings()
        with settings(self._own_settings):
            super().__init__(figsize=(width, height), dpi=100)

    def draw(self, renderer: RendererBase) -> None:
        """Draw everything."""
        with settings(self._own_settings):
            super().draw(renderer)

    def savefig(self, fname: Any, *, transparent: bool | None = None, **options: Any) -> None:  # noqa: ANN401 - as in the base
        """Save the picture, as ``Figure.savefig`` does; an SVG or PDF is equal byte by byte each time."""
        form = options.get("format") or (
            PurePath(fname).suffix.removeprefix(".") if isinstance(fname, str | PurePath) else ""
        )
        metadata = {**_WITHOUT_DATE.get(form.lower(), {}), **(options.pop("metadata", None) or {})}
        with settings(self._own_settings):
            super().savefig(fname, transparent=transparent, metadata=metadata, **options)

    def _repr_png_(self) -> bytes:
        """Show the picture in a notebook, without pyplot."""
        stream = io.BytesIO()
        self.savefig(stream, format="png")
        return stream.getvalue()


class Sheet:
    """Places axes and text by inches from the upper left corner.

    Args:
        theme: the colours.
        width: in inches.
        height: in inches.
    """

    def __init__(self, theme: Theme, width: float, height: float) -> None:
        self.theme = theme
        self.width, self.height = width, height
        self.picture = Picture(theme, width, height)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes without spines and tick marks."""
        axes = self.picture.add_axes(
            (
                left / self.width,
                1 - (top + height) / self.height,
                width / self.width,
                height / self.height,
            )
        )
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, pad=4)
        return axes

    def text(self, left: float, top: float, text: str, **options: Any) -> Text:  # noqa: ANN401 - of matplotlib
        """Add a text; ``top`` is its vertical centre."""
        where = (left / self.width, 1 - top / self.height)
        return self.picture.text(*where, text, **{"va": "center", "color": self.theme.quiet, **options})

    def heading(self, title: str, subtitle: str) -> None:
        """Add the title, and the line below it."""
        self.text(_LEFT, _TITLE, title, size=15, weight="bold", color=self.theme.ink)
        self.text(_LEFT, _SUBTITLE, subtitle, size=10)
