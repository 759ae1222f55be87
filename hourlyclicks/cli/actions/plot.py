"""What ``hourlyclicks plot`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from hourlyclicks import plot
from hourlyclicks.cli.console import hangup
from hourlyclicks.cli.output.files import check_writable
from hourlyclicks.cli.output.pictures import picture_format, write_picture
from hourlyclicks.cli.steps.sources import SourceOptions, make
from hourlyclicks.errors import UsageError
from hourlyclicks.model.series import HourlySeries
from hourlyclicks.render.plots import MOST_COMPARED, check_installed

if TYPE_CHECKING:
    from collections.abc import Callable

    import click
    from matplotlib.figure import Figure


KINDS: dict[str, Callable[..., Figure]] = {
    "calendar": plot.calendar,
    "week": plot.week,
    "trend": plot.trend,
    "compare": plot.compare,
}
"""The pictures by the names they have on the command line."""


@attrs.frozen(kw_only=True)
class Options(SourceOptions):
    """The options of the command.

    Args:
        kind: which picture.
        output: the file; ``-``: stdout.
        form: the format, if it was given.
        theme: the name of the colours.
    """

    kind: str
    output: Path
    form: str | None
    theme: str


@attrs.frozen
class Drawing:
    """Which picture, and where it goes.

    Args:
        kind: which.
        theme: the name of the colours.
        form: the format.
        output: the file; ``None``: stdout.
    """

    kind: str
    theme: str
    form: str
    output: Path | None
    _series: list[HourlySeries] = attrs.field(factory=list, init=False)

    def check(self, targets: int) -> None:
        """Refuse more targets than the picture has room for.

        Raises:
            UsageError: there are.
        """
        if self.kind != "compare" and targets > 1:
            raise UsageError(f"plot {self.kind} draws one target, not {targets:,}: name one, or plot compare")
        if targets > MOST_COMPARED:
            raise UsageError(
                f"plot compare draws at most {MOST_COMPARED} targets, not {targets:,}: name some of them"
            )

    def add(self, series: HourlySeries) -> None:
        """Take the hours of one target."""
        self._series.append(series)

    def write(self) -> None:
        """Draw the picture and write it."""
        figure = KINDS[self.kind](*self._series, theme=self.theme)
        with hangup.delaying_signals():
            write_picture(figure, self.form, self.output)


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    output = None if options.output == Path("-") else options.output
    form = picture_format(options.form, output)
    check_writable(output)
    check_installed()
    make(ctx, options, Drawing(options.kind, options.theme, form, output))
