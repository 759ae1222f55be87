"""How long a server asks to wait.

``Retry-After`` is read first, then what else servers use for it: ``RateLimit-Reset``, ``X-RateLimit-Reset``,
and the ``RateLimit`` field of the IETF drafts, old (``limit=10, remaining=0, reset=7``) and new
(``"name";r=0;t=7``). Each is a number of seconds or a moment. What cannot be read, or lies in the past,
counts as absent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from multidict import istr

from hourlyclicks.wire.header_fields import fields_of
from hourlyclicks.wire.http_dates import moment_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

RETRY_AFTER = istr("Retry-After")

_DATE = istr("Date")
_RESETS = (istr("RateLimit-Reset"), istr("X-RateLimit-Reset"), istr("X-Rate-Limit-Reset"))
_RATE_LIMIT = istr("RateLimit")
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_POLICY = r"(?:[;,\s]|^){}\s*=\s*({})"
_TEXT = r'"[^"]*"'
_LONGEST_TEXT = 1000
_MOMENTS = 1e9
"""Larger numbers are seconds since 1970, not seconds to wait."""
_IN_MILLISECONDS = range(10**11, 10**14)
"""Such numbers are milliseconds since 1970."""
_FOREVER = float(2**31)
"""RFC 9111 reads larger numbers of seconds as this one."""


def wait_of(headers: Mapping[str, str], now: dt.datetime) -> float | None:
    """Return for how many seconds a server asks to wait, more than 0; ``None`` when it does not say.

    Args:
        headers: the header fields of the answer.
        now: the present moment, aware; a moment to wait for is counted from it unless the answer bears a
            date.
    """
    fields = fields_of(headers)
    now = moment_of(fields.get(_DATE, "")) or now  # their clock may not agree with ours
    for name in (RETRY_AFTER, *_RESETS):
        waits = [wait for text in fields.getall(name, ()) if (wait := _wait(text.strip(), now))]
        if waits:
            return max(waits)
    waits = [wait for text in fields.getall(_RATE_LIMIT, ()) if (wait := _wait_for_policies(text, now))]
    return max(waits, default=None)


def _wait(text: str, now: dt.datetime) -> float | None:
    """Read a number or a date."""
    if re.fullmatch(_NUMBER, text):
        seconds = _seconds(float(text), now)
    else:
        moment = moment_of(text)
        seconds = 0.0 if moment is None else (moment - now).total_seconds()
    return min(seconds, _FOREVER) if seconds > 0 else None


def _seconds(number: float, now: dt.datetime) -> float:
    if number <= _MOMENTS:
        return number
    if _IN_MILLISECONDS.start <= number < _IN_MILLISECONDS.stop:
        number /= 1000
    return number - now.timestamp()


def _wait_for_policies(text: str, now: dt.datetime) -> float | None:
    """Read a ``RateLimit`` field: the longest wait for a quota that is spent, else the shortest of all."""
    plain = re.sub(_TEXT, "", text[:_LONGEST_TEXT])
    if found := re.search(_POLICY.format("reset", _NUMBER), plain, re.IGNORECASE):
        return _wait(found[1], now)
    spent: list[float] = []
    others: list[float] = []
    for policy in plain.split(","):
        found = re.search(_POLICY.format("t", _NUMBER), policy, re.IGNORECASE)
        wait = found and _wait(found[1], now)
        if wait:
            left = re.search(_POLICY.format("r", _NUMBER), policy, re.IGNORECASE)
            (others if left and float(left[1]) else spent).append(wait)
    return max(spent, default=min(others, default=None))
