"""The figures of a series as text inside the page, for its script.

The bytes are those of a zlib stream, in base64. Inside, all numbers are unsigned, the lowest byte first:

1. The state of each day, a byte.
2. The clicks of each hour plus 1, 0 for an hour without figures: first the number of bytes of the largest
   count, in a byte, then the lowest bytes of all counts, then the next ones, and so on. Within these, the
   hours from 0 to 1 of all days come first, then those from 1 to 2.
3. The unique users, likewise.

Like bytes side by side compress well: a year of a busy link takes 28 KB, a sixth less than as varints in the
order of the hours.
"""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING

from hourlyclicks.model.day import HOURS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hourlyclicks.render.page.hours import Hours

_BYTE = 0xFF
_SHORT_BLOCKS = 3
"""A level of memory of zlib with short blocks, each with a code of its own: they suit the planes of bytes."""


def packed(hours: Hours) -> str:
    """Return the figures of a series as base64."""
    pieces = [bytes(hours.states)]
    for counts in (hours.clicks, hours.unique_users):
        marked = [count + 1 if mark else 0 for count, mark in zip(counts, hours.reported, strict=True)]
        pieces += _planes([marked[place] for place in _by_hour(len(marked))])
    squeeze = zlib.compressobj(9, memLevel=_SHORT_BLOCKS, strategy=zlib.Z_FILTERED)
    return base64.b64encode(squeeze.compress(b"".join(pieces)) + squeeze.flush()).decode()


def _by_hour(number: int) -> Iterator[int]:
    """Yield the indexes of hours: that of all days from 0 to 1 o'clock first."""
    for hour in range(HOURS):
        yield from range(hour, number, HOURS)


def _planes(counts: Sequence[int]) -> list[bytes]:
    """Return the number of bytes of a count, and the bytes of all counts by their weight."""
    width = -(-max(counts).bit_length() // 8)
    return [
        bytes([width]),
        *(bytes([count >> 8 * place & _BYTE for count in counts]) for place in range(width)),
    ]
