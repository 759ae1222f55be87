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
_CLOCK = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])", re.ASCII)


@attrs.frozen
class Deadline:
    """When to stop, as it was written: after a time, or the next time it is so late."""

    text: str

    def moment(self, now: dt.datetime) -> dt.datetime:
        """Return when that is.

        Args:
            now: the present moment.
        """
        if span := _SPAN.fullmatch(self.text):
            return now + dt.timedelta(**{unit: int(number or 0) for unit, number in span.groupdict().items()})
        clock = _CLOCK.fullmatch(self.text)
        assert clock is not None  # noqa: S101 - `read_deadline` has seen to it
        time = dt.time(int(clock["hour"]), int(clock["minute"]))
        today = now.astimezone().date()
        at = [dt.datetime.combine(today + dt.timedelta(days=days), time).astimezone() for days in (0, 1)]
        return at[0] if at[0] > now else at[1]

    def limit(self, now: dt.datetime) -> dt.timedelta | dt.datetime:
        """Return a span as it is, so that no change of the clock can stretch it, or else the moment."""
        moment = self.moment(now)
        return moment - now if _SPAN.fullmatch(self.text) else moment

    def __str__(self) -> str:
        return self.text


def read_deadline(value: str) -> Deadline:
    """Read a deadline: ``"45m"``, ``"1h30m"`` or ``"06:00"``."""
    if not _SPAN.fullmatch(value) and not _CLOCK.fullmatch(value):
        raise click.BadParameter(
            f"{value!r} is neither a time such as 45m or 2h, nor one of day such as 06:00"
        )
    return Deadline(value)


def on_the_clock(now: dt.datetime, seconds: float) -> str:
    """Return the local time after so many seconds: ``"14:05"``, with its date if that is not today's."""
    here = now.astimezone()
    try:
        then = (now + dt.timedelta(seconds=seconds)).astimezone()
    except OverflowError:
        return "after the year 9999"
    return f"{then:%H:%M}" if then.date() == here.date() else f"{then:%Y-%m-%d %H:%M}"
