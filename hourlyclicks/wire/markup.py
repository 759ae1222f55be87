"""What an HTML or XML page says, in words: its title, or else its text.

Gateways, proxies and login pages answer in HTML. At its beginning, a doctype and tags would take all the room
that an error has; what helps is the title, such as ``502 Bad Gateway``.
"""

from __future__ import annotations

import html
import re

REACH = 4096
"""How many characters of a page are looked at."""

_MARKUP = re.compile(r"\s*<(?:[a-z/?]|!--|!doctype)", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|title|body)\b", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^>]*>(.*?)(?:</title|\Z)", re.IGNORECASE | re.DOTALL)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript)\b.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_WITHIN_WORDS = re.compile(r"</?(?:a|b|code|em|font|i|small|span|strong|u|wbr)\b[^>]*>", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
"""Soft hyphens and the like, with which pages let long words be broken."""
_TAG = re.compile(r"<(?:[a-z/?!])[^>]*(?:>|\Z)", re.IGNORECASE)


def is_markup(text: str) -> bool:
    """Return whether a text begins like HTML or XML."""
    return _MARKUP.match(text) is not None


def words_of(page: str) -> str:
    """Return what the beginning of a page says, as a browser shows it; it may be nothing."""
    shown = _UNSEEN.sub("", page)
    title = _TITLE.search(shown)
    return _text(title[1] if title else "") or _text(shown)


def name_of(page: str, words: str) -> str:
    """Return what to show of a page: that it is one, if it is HTML, and its words."""
    if not _HTML.search(page):
        return words
    return f'an HTML page, "{words}"' if words else "an HTML page"


def _text(markup: str) -> str:
    text = html.unescape(_TAG.sub(" ", _WITHIN_WORDS.sub("", markup)))
    return _INVISIBLE.sub("", text).strip()
