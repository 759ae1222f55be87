"""Checks of numbers that users hand in, worded alike everywhere."""

from __future__ import annotations

import math

from hourlyclicks.errors import UsageError


def check_whole(name: str, value: object, *, least: int) -> None:
    """Raise `UsageError` unless the value is an int from `least`; a bool is none."""
    if type(value) is not int or value < least:
        raise UsageError(f"{name} must be a whole number from {least}, not {value!r}")


def check_amount(name: str, value: object, *, zero: bool = False, infinite: bool = False) -> None:
    """Raise `UsageError` unless the value is a positive number; `zero` and `infinite` may be let in, too."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if 0 < number < math.inf or (zero and number == 0) or (infinite and number == math.inf):
        return
    kind = "a number from 0" if zero else "a number above 0"
    raise UsageError(f"{name} must be {kind}{'' if infinite else ', and finite'}, not {value!r}")
