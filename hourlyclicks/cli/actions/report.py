"""What ``hourlyclicks report`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from hourlyclicks.cli.console import hangup
from hourlyclicks.cli.exits import USAGE, CommandError
from hourlyclicks.cli.output.browser import browse
from hourlyclicks.cli.output.files import check_writable, writing
from hourlyclicks.cli.steps.sources import SourceOptions, make
from hourlyclicks.files.devices import descriptor_of, is_special
from hourlyclicks.render.page import page_of
from hourlyclicks.render.page.choice import Chooser
from hourlyclicks.render.page.document import check_installed

if TYPE_CHECKING:
    from hourlyclicks.model.series import HourlySeries

_SUFFIXES = {"", ".html", ".htm"}


@attrs.frozen(kw_only=True)
class Options(SourceOptions):
    """The options of the command.

    Args:
        output: the file; ``-``: stdout.
        show: whether to open it in a browser.
        title: the heading of the page.
    """

    output: Path
    show: bool
    title: str | None


@attrs.frozen
class Page:
    """The page and where it goes.

    Args:
        title: its heading.
        output: the file; ``None``: stdout.
        show: whether to open it in a browser.
    """

    title: str | None
    output: Path | None
    show: bool
    _chooser: Chooser = attrs.field(factory=Chooser, init=False)

    def check(self, targets: int) -> None:
        """Do nothing: a page names any number of targets."""

    def add(self, series: HourlySeries) -> None:
        """Take the hours of one target."""
        self._chooser.add(series)

    def write(self) -> None:
        """Write the page, and open it if that is wanted."""
        page = page_of(self._chooser.choice(), title=self.title)
        with hangup.delaying_signals(), writing("html", self.output) as stream:
            stream.write(page)
        if self.show and self.output is not None:
            browse(self.output)


def run(ctx: click.Context, options: Options) -> None:
    """See the help of the command."""
    output = None if options.output == Path("-") else options.output
    _check_name(output)
    if options.show and output is None:
        raise click.UsageError("--open needs a file: -o report.html")
    check_writable(output)
    check_installed()
    make(ctx, options, Page(options.title, output, options.show))


def _check_name(output: Path | None) -> None:
    """Refuse a file whose name promises another format."""
    if output is None or descriptor_of(output) is not None or is_special(output):
        return
    if output.suffix.lower() not in _SUFFIXES:
        raise CommandError(f"{output}: a report cannot be a {output.suffix} file; use .html", USAGE)
