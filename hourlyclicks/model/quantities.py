"""Numbers with their nouns, and durations, as people read them."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_VOWELS = "aeiou"


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``"1 day"``, ``"3,653 days"``, ``"200 keys"``, ``"2 retries"``."""
    if number == 1:
        return f"1 {noun}"
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in _VOWELS else noun + "s"
    return f"{number:,} {plural}"


def duration(seconds: float) -> str:
    """Return seconds in the two largest units that matter: ``"45 s"``, ``"6 h 53 min"``, ``"2 d 3 h"``."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, (_MINUTE, "min"), (1, "s"))
    if round(whole / _MINUTE) * _MINUTE < _DAY:
        return _two(round(whole / _MINUTE), (60, "h"), (1, "min"))
    return _two(round(whole / _HOUR), (24, "d"), (1, "h"))


def _two(number: int, large: tuple[int, str], small: tuple[int, str]) -> str:
    many, few = divmod(number, large[0])
    return f"{many:,} {large[1]} {few} {small[1]}" if few else f"{many:,} {large[1]}"
