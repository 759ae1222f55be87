"""The fonts of the pictures, and text that they can show.

matplotlib brings DejaVu Sans, which has no Hangul, Kanji or Hanzi; a font of the system has to. Where none is
installed, matplotlib draws empty boxes and warns once for each character each time a picture is drawn. Here
such characters are written as in an address, ``%ED%95%9C``: readable, unambiguous, and without a warning.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from hourlyclicks.render.phrases import fit, safe

_OWN = "DejaVu Sans"
_CJK = (
    "Noto Sans CJK KR",
    "Noto Sans CJK JP",  # of a collection, matplotlib knows the first name only; it has all scripts
    "Noto Sans CJK SC",
    "Noto Sans KR",
    "Source Han Sans",
    "Apple SD Gothic Neo",
    "Malgun Gothic",
    "NanumGothic",
    "Nanum Gothic",
    "UnDotum",
    "Hiragino Sans",
    "Yu Gothic",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
"""Fonts with Hangul, Kanji or Hanzi, of Linux, macOS and Windows."""

_WEIGHTS = ("normal", "bold")


def families() -> list[str]:
    """Return the installed fonts to draw with; a name that is not installed would cause a warning."""
    installed = {entry.name for entry in fontManager.ttflist}
    return [_OWN, *(name for name in _CJK if name in installed)]


def drawable(text: str, columns: int) -> str:
    """Return a text as one line that the installed fonts can show, in at most so many columns.

    Args:
        text: any text.
        columns: how wide it may be; Hangul takes two columns. What is left out becomes ``...``.
    """
    harmless = safe(text)
    if not harmless.isascii():
        names = tuple(families())
        harmless = "".join(
            char if char.isascii() or _is_known(char, names) else quote(char, safe="") for char in harmless
        )
    return fit(harmless, columns)


@cache
def _is_known(char: str, names: tuple[str, ...]) -> bool:
    """Return whether some font has a character, in each weight."""
    return all(
        any(
            get_font(findfont(FontProperties(family=[name], weight=weight))).get_char_index(ord(char))
            for name in names
        )
        for weight in _WEIGHTS
    )
