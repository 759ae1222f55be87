"""One page of HTML about hourly series: a file that needs no network and no other file.

The page is made by the templates in ``templates/``, with ``style.css`` and ``script.js`` inside. What it says
and shows is complete without the script, except for the table of all days: the script adds what can be
pointed at. The policy of the page (CSP) allows that style and that script by their hashes, and nothing else,
so that nothing in the name of a target can ever run or be requested.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks.clock import SystemClock
from hourlyclicks.files.replace import replacing
from hourlyclicks.render.page.choice import choose
from hourlyclicks.render.page.document import html_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.render.page.choice import Choice


def report(series: HourlySeries | Iterable[HourlySeries], *, title: str | None = None) -> str:
    """Return a page of HTML about one series or several, to be opened by any browser.

    For each series it has key figures, every hour as a picture, the clicks a day, the hours of the week, the
    busiest hours and days, the coverage in words, and a table of all days. A year of one target takes at most
    60 KB, each further one 50 KB. To keep to that, the page rounds large counts of a busy target where its
    pictures are pointed at, and if need be in the table of all days, and says so. Needs the extra ``report``.

    Args:
        series: a series, or several from any iterable, which is read once. Of more than 50 years of all
            series together, those with the most clicks are shown, and the summary names the others as well;
            only what is shown is kept in memory.
        title: the heading of the page; ``None``: "Hourly clicks".

    Raises:
        UsageError: there is no series, one of them is something else, or Jinja2 is not installed.
    """
    return page_of(choose(series), title=title)


def page_of(choice: Choice, *, title: str | None = None) -> str:
    """Return the page about a choice of series; see `report`."""
    return html_of(choice, title=title or "Hourly clicks", made=SystemClock().wall())


def write_report(
    path: str | os.PathLike[str], series: HourlySeries | Iterable[HourlySeries], *, title: str | None = None
) -> None:
    """Write the page of `report` to a file, which is there as a whole or not at all.

    Args:
        path: the file. A new one can be read by its owner only; one that is replaced keeps its mode.
        series: a series, or several; see `report`.
        title: the heading of the page.

    Raises:
        UsageError: as `report` says.
        OSError: the file cannot be written; an old one is untouched.
    """
    page = report(series, title=title)
    with replacing(Path(path)) as stream:
        stream.write(page)
