"""Numbers with their nouns."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``"1 day"``, ``"3,653 days"``, ``"2 retries"``."""
    if number == 1:
        return f"1 {noun}"
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun != "day" else noun + "s"
    return f"{number:,} {plural}"
