"""Moments on the user's clock: until when a run may take, and when it will be done."""

from __future__ import annotations

import datetime as dt
import re

import attrs
import click

_SPAN = re.compile(
    r"(?=.)(?:(?P<days>[0-9]{1,4})d)?(?:(?P<hours>[0-9]{1,5})h)?"
    r"(?:(?P<minutes>[0-9]{1,7})m)?(?:(?P<seconds>[0-9]{1,9})s)?",
    re.ASCII,
)
_CLOCK = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])|24:00", re.ASCII)
_MINUTE = dt.timedelta(minutes=1)
_MINUTES = 4 * 24 * 60
"""Within so many minutes every clock has shown every time of day, even where a date was skipped."""


@attrs.frozen
class Deadline:
    """When to stop, as it was written: after a time, or the next time it is so late."""

    text: str

    def moment(self, now: dt.datetime, zone: dt.tzinfo | None = None) -> dt.datetime:
        """Return when that is.

        A time of day that the clock shows twice, in the night it is set back, is the next of the two. One
        that it skips, in the night it is set forward, is the moment of the change.

        Args:
            now: the present moment.
            zone: the zone of the clock; ``None``: that of this machine.
        """
        if span := _SPAN.fullmatch(self.text):
            return now + dt.timedelta(**{unit: int(number or 0) for unit, number in span.groupdict().items()})
        clock = _CLOCK.fullmatch(self.text)
        assert clock is not None  # noqa: S101 - `read_deadline` has seen to it
        return _next(dt.time(int(clock["hour"] or 0), int(clock["minute"] or 0)), now, zone)

    def limit(self, now: dt.datetime) -> dt.timedelta | dt.datetime:
        """Return a span as it is, so that no change of the clock can stretch it, or else the moment."""
        moment = self.moment(now)
        return moment - now if _SPAN.fullmatch(self.text) else moment

    def __str__(self) -> str:
        return self.text


def _next(time: dt.time, now: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime:
    """Return the next minute, in UTC, at which a clock reaches a time of day, or is set past it."""
    minute = now.astimezone(dt.UTC).replace(second=0, microsecond=0)
    before = _shown(now, zone)
    for _ in range(_MINUTES):
        minute += _MINUTE
        shown = _shown(minute, zone)
        if any(before < dt.datetime.combine(day, time) <= shown for day in {before.date(), shown.date()}):
            return minute
        before = shown
    raise AssertionError(time)  # pragma: no cover - a day never takes so long


def _shown(moment: dt.datetime, zone: dt.tzinfo | None) -> dt.datetime:
    """Return what a clock shows, without its zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def read_deadline(value: str) -> Deadline:
    """Read a deadline: ``"45m"``, ``"1h30m"`` or ``"06:00"``."""
    if not _SPAN.fullmatch(value) and not _CLOCK.fullmatch(value):
        raise click.BadParameter(
            f"{value!r} is neither a time such as 45m or 2h, nor one of day such as 06:00"
        )
    return Deadline(value)
