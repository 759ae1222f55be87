"""A page that was written is shown in the user's browser."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

from hourlyclicks.cli.console.messages import say

if TYPE_CHECKING:
    from pathlib import Path


def browse(page: Path) -> None:
    """Open a page in a browser; that there is none is said, and is no error."""
    if not webbrowser.open(page.resolve().as_uri()):
        say(f"no browser was found; open {page}")
