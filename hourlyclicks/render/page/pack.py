"""The figures of a series as text inside the page, for its script.

The text is a zlib stream in base 85, with digits that need no escape in HTML (`DIGITS`). Inside, all numbers
are unsigned:

1. The state of each day, a byte.
2. A column: the clicks of each hour plus 1, 0 for an hour without figures.
3. A byte: how many unique users there are for 128 clicks, at most 255.
4. A column: by how much the unique users of each hour differ from what this rate makes of its clicks, rounded
   down: 0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …; 0 for an hour without figures.

A column begins with a byte: how many bytes its largest number has. Then come the lowest bytes of all numbers,
then the next ones, and so on. Within these, the hours from 0 to 1 of all days come first, then those from 1
to 2.

Like bytes side by side compress well: a year of a busy link takes 24 KB, where varints in the order of the
hours, compressed and in base 64, take 33.
"""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

from hourlyclicks.model.day import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hourlyclicks.render.page.hours import Hours

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=:?@^_/{|}~"
"""The digits of base 85. The script has them too."""

_SAFE = str.maketrans("&<>`", ",.:/")
"""What stands for the digits of the standard library that mean something else in HTML."""

_BYTE = 0xFF
_PER = 128
_SHORT_BLOCKS = 3
"""A level of memory of zlib with short blocks, each with a code of its own: they suit the planes of bytes."""


def packed(hours: Hours) -> str:
    """Return the figures of a series as text."""
    rate = min(_BYTE, round(_PER * sum(hours.unique_users) / (sum(hours.clicks) or 1)))
    clicks = [count + 1 if mark else 0 for count, mark in zip(hours.clicks, hours.reported, strict=True)]
    pairs = zip(hours.clicks, hours.unique_users, strict=True)
    users = [_unsigned(number - count * rate // _PER) for count, number in pairs]
    pieces = [bytes(hours.states), *_column(clicks), bytes([rate]), *_column(users)]
    squeeze = zlib.compressobj(9, memLevel=_SHORT_BLOCKS, strategy=zlib.Z_FILTERED)
    stream = squeeze.compress(b"".join(pieces)) + squeeze.flush()
    return base64.b85encode(stream).decode().translate(_SAFE)


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
