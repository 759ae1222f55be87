"""An extension of Sphinx for this documentation: its tables of contents, and pictures for dark themes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

from docs.themes import THEMES

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Install the extension."""
    for change in (leave_to_others, add_dark_pictures):
        app.connect("doctree-read", change, priority=100)  # before Sphinx collects tables and pictures
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def leave_to_others(_: Sphinx, doctree: nodes.document) -> None:
    """Take out of a table with a pattern the pages that another table of the same page names.

    So a new page appears in the table that has the pattern of its folder.
    """
    tables = list(doctree.findall(addnodes.toctree))
    named = {page for table in tables if not table["glob"] for _, page in table["entries"]}
    for table in tables:
        if table["glob"]:
            table["entries"] = [entry for entry in table["entries"] if entry[1] not in named]
            table["includefiles"] = [page for page in table["includefiles"] if page not in named]


def add_dark_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Show a picture in light themes only, if there is one for dark themes beside it."""
    folder = Path(app.env.doc2path(app.env.docname)).parent
    for picture in list(doctree.findall(nodes.image)):
        path = Path(picture["uri"])
        dark = path.with_stem(f"{path.stem}{THEMES['dark']}")
        if "://" not in picture["uri"] and (folder / dark).exists():
            other = picture.deepcopy()
            other["uri"] = dark.as_posix()
            other["classes"].append("only-dark")
            picture["classes"].append("only-light")
            picture.parent.insert(picture.parent.index(picture) + 1, other)
