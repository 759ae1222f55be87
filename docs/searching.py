"""An extension of Sphinx for this documentation: HTTP statuses and exit codes can be searched for.

The other half is in ``_static/search.js``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sphinx.search.en import SearchEnglish

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LONGEST_NUMBER = 3
"""Digits of a number that is kept: an exit code or a status, but not the figures of benchmarks."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Install the extension."""
    app.add_search_language(SearchWithNumbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class SearchWithNumbers(SearchEnglish):
    """English text, in which a short number is a word."""

    def word_filter(self, word: str) -> bool:
        """Return whether a word can be searched for."""
        return (word.isdigit() and len(word) <= LONGEST_NUMBER) or super().word_filter(word)
