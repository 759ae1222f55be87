"""How Sphinx builds this documentation: ``nox -s docs``."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the extensions of its own

from hourlyclicks import __version__

gc.disable()  # of the trees that Sphinx keeps, none is garbage: looking for it is a quarter of the work

project = "hourlyclicks"
author = "hourlyclicks contributors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx reads this name
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docs.links",
    "docs.pages",
    "docs.searching",
]
exclude_patterns = ["_build"]
default_role = "py:obj"
nitpicky = True  # every name in a docstring or signature must lead somewhere; docs/links.py knows exceptions

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = False
maximum_signature_line_length = 60  # longer ones have one parameter a line
python_trailing_comma_in_multi_line_signatures = True
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

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

copybutton_exclude = ".linenos, .gp, .go"  # prompts and output of a console are not copied

html_theme = "furo"
html_title = f"hourlyclicks {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["accessible.js", "search.js"]
html_copy_source = html_show_sourcelink = False
html_show_sphinx = False
