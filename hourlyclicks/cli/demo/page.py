"""The report page about the days of the demonstration."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks.render.page import write_report

if TYPE_CHECKING:
    from hourlyclicks.model.series import HourlySeries


def write_page(series: HourlySeries) -> Path:
    """Write the page into a new folder that only the user can read, and return its path.

    The user reads it after the command has ended, so it is left to the system to remove the folder.
    """
    page = Path(tempfile.mkdtemp(prefix="hourlyclicks-")) / "demo.html"
    write_report(page, series, title="Hourly clicks of a simulated link")
    return page
