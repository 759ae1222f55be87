"""Counts with few digits, as numbers that compress well: small counts as they are, large ones rounded.

A rounded count is `written` like a floating-point number: its highest bits, and by how many places they are
shifted, in one number that grows with the count. Counts below the limit of a precision are written as
themselves, so that only large ones are rounded. The difference of two such numbers stands for the quotient of
the counts, whatever their size.
"""

from __future__ import annotations

import attrs

_BITS_OF_A_DIGIT = 3
_MORE = 1


@attrs.frozen
class Rounding:
    """How many decimal digits of a count can be relied on.

    Args:
        digits: 1 to 3; 0: all, counts are not rounded.
        bits: how many bits a count keeps; a rounded one differs from the count by at most 2 ** -bits of it.
    """

    digits: int
    bits: int = attrs.field(
        init=False, repr=False, eq=False
    )  # no property: it is read for each hour of a page

    @bits.default
    def _bits_of_digits(self) -> int:
        return _BITS_OF_A_DIGIT * self.digits + _MORE

    def nearest(self, count: int) -> int:
        """Return the number that is written for a count."""
        shift = count.bit_length() - self.bits
        return self.written(count + (1 << shift - 1)) if self.digits and shift > 0 else count

    def written(self, count: int) -> int:
        """Return the number that is written for a count, rounded down."""
        shift = count.bit_length() - self.bits
        if not self.digits or shift <= 0:
            return count
        return (shift << self.bits - 1) + (count >> shift)

    def read(self, number: int) -> int:
        """Return the count for which a number is written."""
        half = 1 << self.bits - 1
        if not self.digits or number < 2 * half:
            return number
        return number % half + half << number // half - 1


EXACT = Rounding(0)
"""Counts are not rounded."""
