"""Events about days: answered, changed, failed."""

from __future__ import annotations

import datetime as dt
import logging
from typing import ClassVar

import attrs

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.events.base import BaseEvent
from hourlyclicks.model.quantities import count
from hourlyclicks.model.targets import Target


@attrs.frozen(kw_only=True, slots=False)
class DayDone(BaseEvent):
    """A day was answered.

    Args:
        day: the day.
        target: the target.
        requests: how many requests it took, those answered with 429 included.
        final: whether its figures can no longer change.
    """

    day: dt.date
    target: Target
    requests: int
    final: bool

    @property
    def message(self) -> str:
        """What has happened, in words."""
        state = "final" if self.final else "provisional"
        return f"{self.day} of {self.target} was answered after {count(self.requests, 'request')}, {state}"


@attrs.frozen(kw_only=True, slots=False)
class DayRevised(BaseEvent):
    """A day was requested again, and its figures differ from those in the store; the new ones are stored.

    Args:
        day: the day.
        target: the target.
        revision: how often its figures have changed by now, counted from 1.
    """

    day: dt.date
    target: Target
    revision: int

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"the figures of {self.day} of {self.target} have changed: revision {self.revision}"


@attrs.frozen(kw_only=True, slots=False)
class DayDiffers(BaseEvent):
    """An audit found that the hours of a day in the store do not agree with its sum; it is provisional now.

    Args:
        day: the day.
        target: the target.
        by_hour: the clicks of its hours, added up.
        by_date: the clicks of the day, as the API computed them.
    """

    level: ClassVar[int] = logging.WARNING

    day: dt.date
    target: Target
    by_hour: int
    by_date: int

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return (
            f"the hours of {self.day} of {self.target} add up to {count(self.by_hour, 'click')},"
            f" and its sum is {self.by_date:,}: the next backfill requests the day again"
        )


@attrs.frozen(kw_only=True, slots=False)
class DayFailed(BaseEvent):
    """A day failed after all attempts.

    Args:
        day: the day.
        target: the target.
        requests: how many requests were spent on it; 0: an error that concerns all days came before.
        error: why.
    """

    level: ClassVar[int] = logging.WARNING

    day: dt.date
    target: Target
    requests: int
    error: HourlyClicksError

    @property
    def message(self) -> str:
        """What has happened, in words."""
        after = f"failed after {count(self.requests, 'request')}" if self.requests else "was not requested"
        return f"{self.day} of {self.target} {after}: {self.error}"


@attrs.frozen(kw_only=True, slots=False)
class TargetParked(BaseEvent):
    """The API, or a gateway, rejects each day of a target with the same answer; it is parked.

    So is a target whose answers cannot be used, for a reason that no retry changes.

    A backfill sends a probe after a minute, and at the end of the run if any other day was answered since;
    after the first answer the target is no longer parked. `fetch` and `stream` end with the rejection.

    Args:
        target: the target.
        days: how many days of it are not done.
        error: the rejection.
    """

    level: ClassVar[int] = logging.WARNING

    target: Target
    days: int
    error: HourlyClicksError

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"{self.target} is parked, since every day is rejected: {self.error}"
