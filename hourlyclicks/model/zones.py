"""The moments at which a day begins, ends and is final, in a time zone or without one.

The API counts by days: 24 hours of some wall clock. The zone of that clock is not documented, so a zone is
applied only when the user names one. Without one, every question is answered on the safe side: a day may have
begun once it has begun in the first zone on Earth (UTC+14), and has ended once it has ended in the last
(UTC-12).

With a zone, a day begins at the first moment at which the clock shows its date, and has ended when the clock
shows it for the last time. That is nearly always midnight; but clocks are also put forward over midnight
(then the day begins at that moment) and back over it (then the old date returns for a while, and the day
before has not ended yet). The clock of ``zoneinfo`` answers such a midnight with two readings,
``fold`` 0 and 1, and `begins` and `ends` choose between them.

Moments before the year 1 or after 9999, which no ``datetime`` can hold, become the first or last one it can.
"""

from __future__ import annotations

import datetime as dt
import errno
from bisect import bisect_left

from hourlyclicks.errors import UsageError

SETTLE = dt.timedelta(hours=1)
"""How long after the end of a day its figures can still change."""

_DAY = dt.timedelta(days=1)
_LONG_OVER = 3
_FIRST_PLACE = dt.timedelta(hours=14)
_LAST_PLACE = dt.timedelta(hours=-12)
_FIRST_MOMENT = dt.datetime.min.replace(tzinfo=dt.UTC)
_LAST_MOMENT = dt.datetime.max.replace(tzinfo=dt.UTC)


def as_zone(value: str | dt.tzinfo | None) -> dt.tzinfo | None:
    """Read a time zone.

    Args:
        value: an IANA name such as ``"Asia/Seoul"``, a ``tzinfo``, or ``None`` for "not known". A zone of
            pytz is replaced by the one of that name, because pytz answers a plain midnight wrongly.

    Raises:
        UsageError: for a name that the machine's zone database does not have, for any other value, and when
            there is no such database.
    """
    if isinstance(value, dt.tzinfo):
        name = getattr(value, "zone", None)
        return as_zone(name) if isinstance(name, str) else value
    if value is None:
        return None
    if not isinstance(value, str):
        raise UsageError(f"a time zone is a name or a tzinfo, not {value!r}")
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - slow to import, and most runs name no zone

    try:
        return ZoneInfo(value)
    except (LookupError, OSError, ValueError) as error:  # not found; a folder of zones; no acceptable name
        if getattr(error, "errno", None) in {errno.EMFILE, errno.ENFILE}:
            raise UsageError(f"the time zone {value!r} cannot be read: too many open files") from None
        if not _has_zones():
            raise UsageError("this machine has no time zone database; run: pip install tzdata") from None
        raise UsageError(f"no such time zone: {value!r}; write a name such as Asia/Seoul") from None


def _has_zones() -> bool:
    """Return whether there is a time zone database; containers often have none."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - as above

    try:
        ZoneInfo.no_cache("Etc/UTC")
    except (LookupError, OSError):
        return False
    return True


def begins(day: dt.date, zone: dt.tzinfo | None = None) -> dt.datetime:
    """Return the moment, in UTC, at which a day begins.

    Args:
        day: the day.
        zone: the time zone; ``None``: the first on Earth (UTC+14).
    """
    if zone is None:
        return _shifted(day, _FIRST_PLACE)
    first, second = _midnight(day, zone, fold=0), _midnight(day, zone, fold=1)
    return first if first <= second else _leap_over_midnight(day, zone, second, first)


def ends(day: dt.date, zone: dt.tzinfo | None = None) -> dt.datetime:
    """Return the moment, in UTC, at which a day has ended, and the next begun.

    Args:
        day: the day.
        zone: the time zone; ``None``: the last on Earth (UTC-12).
    """
    if day == dt.date.max:
        return _LAST_MOMENT
    following = day + _DAY
    if zone is None:
        return _shifted(following, _LAST_PLACE)
    first, second = _midnight(following, zone, fold=0), _midnight(following, zone, fold=1)
    returned = first < second and (second - dt.datetime.resolution).astimezone(zone).date() == day
    return second if returned else begins(following, zone)


def has_begun(day: dt.date, now: dt.datetime, zone: dt.tzinfo | None = None) -> bool:
    """Return whether a day has begun: in the zone, or without one anywhere on Earth."""
    return begins(day, zone) <= aware(now)


def check_begun(day: dt.date, now: dt.datetime) -> None:
    """Check that a day has begun anywhere on Earth.

    Raises:
        UsageError: it has not; the message shows the time of the clock, which may be wrong.
    """
    if not has_begun(day, now):
        said = f"{now.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
        raise UsageError(f"{day} has not begun anywhere on Earth: this machine's clock says {said}")


def has_ended(day: dt.date, now: dt.datetime, zone: dt.tzinfo | None = None) -> bool:
    """Return whether a day has ended: in the zone, or without one everywhere on Earth."""
    return ends(day, zone) <= aware(now)


def last_ended(now: dt.datetime, zone: dt.tzinfo | None = None) -> dt.date:
    """Return the last day that has ended: in the zone, or without one everywhere on Earth."""
    day = today(now, zone)
    while not has_ended(day, now, zone):
        day -= _DAY
    return day


def is_final(
    day: dt.date, fetched_at: dt.datetime, zone: dt.tzinfo | None = None, settle: dt.timedelta = SETTLE
) -> bool:
    """Return whether the figures of a day can no longer change.

    Args:
        day: the day.
        fetched_at: when it was requested.
        zone: the zone of the account; ``None`` when it is not known.
        settle: how long after the end of the day the server may continue to count.

    Returns:
        Whether at least ``settle`` had passed since the day had ended.
    """
    return aware(fetched_at) - ends(day, zone) >= settle


class Finality:
    """Tell which days are final, as `is_final` does, and cache the result for days that are long over.

    A day that was final once stays final, and so does every day before it, unless the clock is put back.

    Args:
        zone: the zone of the account; ``None`` when it is not known.
    """

    def __init__(self, zone: dt.tzinfo | None) -> None:
        self._zone = zone
        self._last = dt.date.min
        self._since = _LAST_MOMENT

    def of(self, day: dt.date, fetched_at: dt.datetime) -> bool:
        """Return whether the figures of a day that were requested at an aware moment can no longer change."""
        if day <= self._last and fetched_at >= self._since:
            return True
        over = dt.date.fromordinal(max(1, fetched_at.toordinal() - _LONG_OVER))
        if is_final(over, fetched_at, self._zone):
            self._last, self._since = over, fetched_at
        return is_final(day, fetched_at, self._zone)


def today(now: dt.datetime, zone: dt.tzinfo | None = None) -> dt.date:
    """Return the date on the clock of a zone (``None``: UTC)."""
    try:
        return aware(now).astimezone(zone or dt.UTC).date()
    except OverflowError:
        return now.date()


def last_begun(now: dt.datetime, zone: dt.tzinfo | None = None) -> dt.date:
    """Return the last day that has begun: in the zone, or without one anywhere on Earth."""
    return today(now, dt.timezone(_FIRST_PLACE) if zone is None else zone)


def aware(moment: dt.datetime) -> dt.datetime:
    """Return a moment that has a zone.

    Raises:
        UsageError: it has none.
    """
    if moment.tzinfo is None:
        raise UsageError(f"a moment needs a time zone, and {moment.isoformat()} has none")
    return moment


def _shifted(day: dt.date, offset: dt.timedelta) -> dt.datetime:
    """Return the moment a day begins at a fixed offset from UTC."""
    try:
        return dt.datetime.combine(day, dt.time(), dt.UTC) - offset
    except OverflowError:
        return _FIRST_MOMENT


def _midnight(day: dt.date, zone: dt.tzinfo, *, fold: int) -> dt.datetime:
    """Return the moment, in UTC, of a midnight with the given fold."""
    local = dt.datetime.combine(day, dt.time(fold=fold), zone)
    try:
        return local.astimezone(dt.UTC)
    except OverflowError:
        return _FIRST_MOMENT


def _leap_over_midnight(day: dt.date, zone: dt.tzinfo, early: dt.datetime, late: dt.datetime) -> dt.datetime:
    """Find the second at which the clock is put forward to a day that has no midnight."""

    def date_after(seconds: int) -> dt.date:
        return (early + dt.timedelta(seconds=seconds)).astimezone(zone).date()

    seconds = range(int((late - early).total_seconds()))
    return early + dt.timedelta(seconds=bisect_left(seconds, day, key=date_after))
