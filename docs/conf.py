"""How Sphinx builds this documentation: ``nox -s docs``."""

from __future__ import annotations

import os

from hourlyclicks import __version__

project = "hourlyclicks"
author = "hourlyclicks contributors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx reads this name
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
default_role = "code"
nitpicky = True  # a name of ours in the prose must lead somewhere; those of others, and bare ones, may not
nitpick_ignore_regex = [("py:.*", r"(?!hourlyclicks\.).*")]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # an "Attributes:" section must not compete with the members themselves

# Builds work offline; with DOCS_ONLINE=1 the names of other projects become links.
intersphinx_mapping = (
    {
        "python": ("https://docs.python.org/3", None),
        "aiohttp": ("https://docs.aiohttp.org/en/stable", None),
        "attrs": ("https://www.attrs.org/en/stable", None),
        "cattrs": ("https://catt.rs/en/stable", None),
    }
    if os.environ.get("DOCS_ONLINE")
    else {}
)

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"hourlyclicks {release}"
