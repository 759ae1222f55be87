"""The figures of a series as text inside the page, for its script.

The text is a zlib stream in base 85, with digits that need no escape in HTML (`DIGITS`). Inside, all numbers
are unsigned:

1. The state of each day, a byte.
2. A byte: to how many digits clicks are rounded, see `Rounding`; 0: they are exact.
3. A column: the clicks of each hour plus 1, 0 for an hour without figures.
4. Two bytes: to how many digits unique users are rounded, and how many there are for 128 clicks, at most 255.
5. A column: by how much the unique users of each hour differ from what this rate makes of the clicks of 3,
   rounded down: 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …; 0 for an hour without figures. If they are rounded, it
   is the difference of the numbers that are written.

A column begins with a byte: how many bytes its largest number has. Then come the lowest bytes of all numbers,
then the next ones, and so on. Within these, the hours from 0 to 1 of all days come first, then those from 1
to 2.

Like bytes side by side compress well: a year of a busy link takes 24 KB, where varints in the order of the
hours, compressed and in base 64, take 33. Where exact figures would take more than the page allows, as those
of an account with 100,000 clicks a day, unique users are rounded, and if need be clicks as well.
"""

from __future__ import annotations

import base64
import zlib
from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.model.day import HOURS
from hourlyclicks.render.page.rounding import EXACT, Rounding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hourlyclicks.render.page.hours import Hours

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=:?@^_/{|}~"
"""The digits of base 85. The script has them too."""

MOST_A_YEAR = 27_300
"""The characters that a year may take, and any shorter series; the rest of a page takes up to 33 KB."""

_SAFE = str.maketrans("&<>`", ",.:/")
"""What stands for the digits of the standard library that mean something else in HTML."""

_LADDER = ((0, 0), (0, 3), (0, 2), (3, 2), (2, 2), (2, 1))
"""The digits of clicks and of unique users, in the order in which they are tried; 0: all."""

_LEAST = (Rounding(1), Rounding(1))
"""What is taken if none of these is short enough."""

_YEAR = 366
_A_CHANGE = 20
"""The characters that the pictures take where fetched days, provisional ones and missing ones alternate."""

_BYTE = 0xFF
_PER = 128
_SHORT_BLOCKS = 3
"""A level of memory of zlib with short blocks, each with a code of its own: they suit the planes of bytes."""


@attrs.frozen
class Packed:
    """The figures of a series.

    Args:
        text: the text for the script.
        clicks: how its clicks are rounded.
        unique_users: how its unique users are.
    """

    text: str
    clicks: Rounding = EXACT
    unique_users: Rounding = EXACT


def packed(hours: Hours) -> Packed:
    """Return the figures of a series, rounded no more than its length demands."""
    changes = sum(1 for _ in groupby(hours.states)) - 1
    most = MOST_A_YEAR * max(1, len(hours.states) / _YEAR) - _A_CHANGE * changes
    tried = (_rounded(hours, Rounding(clicks), Rounding(users)) for clicks, users in _LADDER)
    return next((each for each in tried if len(each.text) <= most), None) or _rounded(hours, *_LEAST)


def _rounded(hours: Hours, clicks: Rounding, users: Rounding) -> Packed:
    rate = min(_BYTE, round(_PER * sum(hours.unique_users) / (sum(hours.clicks) or 1)))
    written = [clicks.nearest(count) for count in hours.clicks]
    usual = [users.written(clicks.read(number) * rate // _PER) for number in written]
    more = [users.nearest(count) - base for count, base in zip(hours.unique_users, usual, strict=True)]
    pieces = [
        bytes(hours.states),
        bytes([clicks.digits]),
        *_column([number + 1 if mark else 0 for number, mark in zip(written, hours.reported, strict=True)]),
        bytes([users.digits, rate]),
        *_column([_unsigned(number) for number in more]),
    ]
    squeeze = zlib.compressobj(9, memLevel=_SHORT_BLOCKS, strategy=zlib.Z_FILTERED)
    stream = squeeze.compress(b"".join(pieces)) + squeeze.flush()
    return Packed(base64.b85encode(stream).decode().translate(_SAFE), clicks, users)


def _unsigned(number: int) -> int:
    return 2 * number if number >= 0 else -2 * number - 1


def _column(numbers: Sequence[int]) -> list[bytes]:
    """Return the size of a number, and the bytes of all numbers by their weight."""
    ordered = [numbers[place] for place in _by_hour(len(numbers))]
    size = -(-max(ordered).bit_length() // 8)
    planes = [bytes([number >> 8 * place & _BYTE for number in ordered]) for place in range(size)]
    return [bytes([size]), *planes]


def _by_hour(number: int) -> Iterator[int]:
    """Yield the indexes of hours: that of all days from 0 to 1 o'clock first."""
    for hour in range(HOURS):
        yield from range(hour, number, HOURS)
