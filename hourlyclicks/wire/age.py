"""How old the figures of an answer are.

Figures are from the moment they were asked for, unless the answer itself says that they are older: its
``Date`` lies before that moment, or a cache on the way states an ``Age``. Whether a day is final is judged
by that moment, so a clock of ours that is ahead makes nothing final that is not: the earlier of the two
clocks counts.

A cache that answers from its store without an ``Age`` leaves the age open. All that is certain then is that
the figures are not older than the day they are about, so the day cannot be final. The same bound holds for a
``Date`` or an ``Age`` that is absurd.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from multidict import CIMultiDictProxy, istr

from hourlyclicks.model.zones import begins
from hourlyclicks.wire.header_fields import fields_of
from hourlyclicks.wire.http_dates import moment_of

if TYPE_CHECKING:
    from hourlyclicks.model.http import Response
    from hourlyclicks.wire.header_fields import Fields

_DATE, _AGE = istr("Date"), istr("Age")
_CACHE_STATUS = istr("Cache-Status")
_X_CACHE, _X_CACHE_STATUS = istr("X-Cache"), istr("X-Cache-Status")
_X_PROXY_CACHE, _CF_CACHE_STATUS = istr("X-Proxy-Cache"), istr("CF-Cache-Status")
_CACHES = (_X_CACHE, _X_CACHE_STATUS, _X_PROXY_CACHE, _CF_CACHE_STATUS, _CACHE_STATUS)
_SECONDS = r"[0-9]+(?:\.[0-9]*)?"
_FROM_STORE = {"HIT", "STALE", "UPDATING"}
_CHECKED_BEFORE = ("REFRESH", "IMS", "REVALIDATED")
_SECOND = dt.timedelta(seconds=1)
_LONGEST_AGE = 2.0**31
"""Seconds. RFC 9111 reads larger numbers as this one."""


def dated(response: Response, asked: dt.datetime, day: dt.date) -> tuple[dt.datetime, dt.timedelta | None]:
    """Return what `as_of` does, and how far our clock is ahead of the server's, if the answer tells.

    This runs for every answer, hence plain steps and a plain pair.
    """
    fields = response.headers
    if type(fields) is not CIMultiDictProxy:
        fields = fields_of(fields)
    stamped = moment_of(fields.get(_DATE, ""))
    if (  # one chain, since a loop costs more
        _AGE in fields
        or _X_CACHE in fields
        or _X_CACHE_STATUS in fields
        or _X_PROXY_CACHE in fields
        or _CF_CACHE_STATUS in fields
        or _CACHE_STATUS in fields
    ):
        age = _age(fields_of(fields))
        if age != 0:
            return _of_copy(asked, stamped, age, day), None
    if stamped is None:
        return asked, None
    ahead = asked - stamped
    # A ``Date`` has no fractions: the server may have written it up to a second later than it says.
    return asked if ahead < _SECOND else _bounded(stamped, asked, day), ahead


def as_of(response: Response, asked: dt.datetime, day: dt.date) -> dt.datetime:
    """Return the latest moment that the figures of an answer can be from.

    Args:
        response: the answer.
        asked: when it was asked for, by our clock; aware.
        day: the day it is about; figures are not older than that.
    """
    return dated(response, asked, day)[0]


def _of_copy(asked: dt.datetime, stamped: dt.datetime | None, age: float | None, day: dt.date) -> dt.datetime:
    """Return the moment that a copy out of a cache is from; an age of ``None`` is one that is not stated."""
    if age is None:
        return min(asked, begins(day))
    moment = asked if stamped is None else min(asked, stamped)
    try:
        moment -= dt.timedelta(seconds=age)
    except OverflowError:
        return min(asked, begins(day))
    return _bounded(moment, asked, day)


def _bounded(moment: dt.datetime, asked: dt.datetime, day: dt.date) -> dt.datetime:
    return min(asked, max(moment, begins(day)))


def _age(fields: Fields) -> float | None:
    """Return the age that a cache states, 0 when no cache was involved, ``None`` when one hides it.

    Of several ages the largest counts. What is no number of seconds is ignored, as RFC 9111 demands.
    """
    ages = [
        float(text) for text in re.split(r"[,\s]+", _joined(fields, _AGE)) if re.fullmatch(_SECONDS, text)
    ]
    if ages:
        return min(max(ages), _LONGEST_AGE)
    return None if any(_is_hit(name, _joined(fields, name)) for name in _CACHES) else 0.0


def _joined(fields: Fields, name: str) -> str:
    return ",".join(fields.getall(name, ()))


def _is_hit(name: str, text: str) -> bool:
    """Tell whether a cache says that it answered from its store, without asking the server."""
    if name is _CACHE_STATUS:  # RFC 9211; "fwd=stale" there means that the server was asked
        return re.search(r";\s*hit\s*(?:[;,]|$)", text, re.IGNORECASE) is not None
    return any(
        word.rpartition("_")[2] in _FROM_STORE and not any(check in word for check in _CHECKED_BEFORE)
        for word in re.findall(r"[A-Z_]+", text.upper())
    )
