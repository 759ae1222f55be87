"""How much a run of the tests covers: a sample as a rule, everything in CI and when looking for new cases.

The variable ``HYPOTHESIS_PROFILE`` decides: ``default`` is quick, ``thorough`` is what CI runs, and
``explore`` searches for new cases.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
THOROUGH = PROFILE in {"thorough", "explore"}


def sample(values: Sequence[T], size: int) -> list[T]:
    """Return all values in a thorough run, else a few of them, spread evenly and with both ends."""
    if THOROUGH or size >= len(values):
        return list(values)
    return [values[round(place * (len(values) - 1) / (size - 1))] for place in range(size)]


def sized(quick: T, thorough: T) -> T:
    """Return one of two sizes."""
    return thorough if THOROUGH else quick


def examples(thorough: int) -> int:
    """Return how many examples hypothesis makes of a property, from the number for a thorough run."""
    size = {"default": max(8, thorough // 16), "thorough": thorough}
    return size.get(PROFILE, 20 * thorough)
