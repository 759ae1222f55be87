"""Invented clicks: plausible, and always the same for the same request.

Theory. The figures of a day are a function of (seed, target, day) only. All randomness comes from one BLAKE2b
digest of these three, and all arithmetic is in integers, so every process on every machine gets the same
traffic. A day takes about 20 µs; nothing is stored.

The shape: busy around noon and in the evening, nearly silent at night, weaker at weekends, stronger in
winter; sometimes a burst that fades over four hours; sometimes a day without any click. An hour
without clicks is mostly left out, as the vendor does (not reported), and sometimes reported as zero.
Unique users are mostly fewer than the clicks and sometimes more, as in the vendor's own sample.
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING, TypeAlias

import attrs

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link, Target

if TYPE_CHECKING:
    import datetime as dt


Cell: TypeAlias = tuple[int | None, int | None]
"""Clicks and unique users of one hour; both ``None`` when the hour is not reported."""

Cells: TypeAlias = tuple[Cell, ...]
"""The 24 hours of a day."""

NOT_REPORTED: Cell = (None, None)
EMPTY: Cells = (NOT_REPORTED,) * 24

_HOURS = (18, 9, 5, 3, 2, 3, 8, 22, 45, 62, 70, 78, 92, 85, 74, 72, 75, 80, 88, 96, 100, 90, 62, 36)
_WEEKDAYS = (100, 104, 102, 101, 96, 78, 70)
_YEAR = 365
_PER_CENT = 100
_NUMBERS = range(24)
_UNIT = 100 * 100 * 100 * 192  # three percentages, and the mean of the noise

# The indexes of the random bytes of a day in its digest, after 24 bytes of noise and 24 for the users.
_USERS, _BURST, _BURST_HOUR, _BURST_SIZE, _SILENCE, _ZEROS, _ACTIVITY = 24, 48, 49, 50, 51, 52, 53
_BURSTS_IN_256, _SILENT_DAYS_IN_256, _MORE_USERS_IN_256 = 13, 4, 10


def _name(target: Target) -> bytes:
    if isinstance(target, Link):
        return f"link\0{target.domain}\0{target.id}".encode()
    return b"group\0%d" % target.idx if isinstance(target, Group) else b"account"


def _scale(target: Target, chance: bytes) -> int:
    """Return the clicks of a busy hour: from 8 to about 4,000 for a link, more for groups and accounts."""
    low = 8 << chance[0] % 9
    return (low + low * chance[1] // 256) * {Link: 1, Group: 4, Account: 16}[type(target)]


@attrs.frozen
class Traffic:
    """All the traffic of a simulated account.

    Args:
        seed: selects the traffic.
        active_days: the percentage of the days on which a target has clicks at all.
    """

    seed: int = 0
    active_days: int = 100
    _sources: dict[Target, _Source] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        given: object = self.active_days
        if not isinstance(given, int | float) or not 0 <= given <= _PER_CENT:
            raise UsageError(f"active_days is a percentage from 0 to 100, not {self.active_days!r}")

    def day(self, target: Target, day: dt.date) -> Cells:
        """Return the 24 hours of a finished day."""
        source = self._sources.get(target)
        if source is None:
            source = self._sources[target] = _Source.of(self.seed, target, self.active_days)
        return source.day(day)


@attrs.frozen
class _Source:
    """The traffic of one target: its scale, the digest from which each day's is derived, its active days."""

    scale: int
    root: hashlib.blake2b
    active_days: int

    @classmethod
    def of(cls, seed: int, target: Target, active_days: int) -> _Source:
        root = hashlib.blake2b(b"%d\0%s\0" % (seed, _name(target)), digest_size=64)
        return cls(_scale(target, root.digest()), root, active_days)

    def day(self, day: dt.date) -> Cells:
        ordinal = day.toordinal()
        digest = self.root.copy()
        digest.update(b"%d" % ordinal)
        chance = digest.digest()
        if chance[_SILENCE] < _SILENT_DAYS_IN_256 or _luck(chance) >= self.active_days:
            return EMPTY
        level = self.scale * _WEEKDAYS[(ordinal - 1) % 7] * _season(ordinal % _YEAR)
        burst = _burst(chance, self.scale)
        zeros = chance[_ZEROS] & 7
        return tuple(
            [
                (clicks, clicks * (500 + users) // 800 or 1)
                if (clicks := level * shape * (noise + 64) // _UNIT + more) and users >= _MORE_USERS_IN_256
                else _odd(clicks, users, zero=hour & 7 == zeros)
                for hour, shape, noise, users, more in zip(
                    _NUMBERS, _HOURS, chance, chance[_USERS:], burst, strict=False
                )
            ]
        )


def day_figures(cells: Cells) -> Cell:
    """Return the clicks and the unique users of a whole day; both ``None`` if no hour was reported.

    The users are as many as in the busiest hour at least, and as many as in all hours together at most.
    """
    reported = [(clicks, users) for clicks, users in cells if clicks is not None and users is not None]
    if not reported:
        return NOT_REPORTED
    users = [people for _, people in reported]
    return sum(clicks for clicks, _ in reported), max(*users, sum(users) * 3 // 4)


def _luck(chance: bytes) -> float:
    """Return a number from 0 up to 100, the same for the same day."""
    return int.from_bytes(chance[_ACTIVITY : _ACTIVITY + 2], "big") * _PER_CENT / 65_536


@functools.cache
def _season(day: int) -> int:
    """Return the percentage of a day of the year: 85 in midsummer, 115 in midwinter."""
    return 85 + abs(day - 183) * 30 // 183


_NO_BURST = (0,) * 24


def _burst(chance: bytes, scale: int) -> tuple[int, ...]:
    """Return what a burst adds to each hour; it halves every hour."""
    if chance[_BURST] >= _BURSTS_IN_256:
        return _NO_BURST
    first, size = chance[_BURST_HOUR] % 24, scale * (3 + chance[_BURST_SIZE] % 13)
    return tuple(size >> hour - first if first <= hour < first + 4 else 0 for hour in range(24))


def _odd(clicks: int, chance: int, *, zero: bool) -> Cell:
    """Return an unusual hour: without clicks, or with more users than clicks."""
    if clicks:
        return clicks, clicks + clicks * (chance + 1) // 12
    return (0, 0) if zero else NOT_REPORTED
