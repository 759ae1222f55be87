"""Events that concern all calls of a client: when requests are sent, and to which server."""

from __future__ import annotations

import logging
from typing import ClassVar

import attrs

from hourlyclicks.events.base import BaseEvent
from hourlyclicks.events.wording import CLOCK_LOGGER, difference, short_duration, waits_for


@attrs.frozen(kw_only=True, slots=False)
class Paused(BaseEvent):
    """No request is sent for a while, because of a 429 or of repeated failures.

    Args:
        seconds: how long.
        why: in words.
    """

    level: ClassVar[int] = logging.WARNING

    seconds: float
    why: str

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"paused for {short_duration(self.seconds)}: {self.why}"


@attrs.frozen(kw_only=True, slots=False)
class Resumed(BaseEvent):
    """The probe after a pause was answered; requests are sent as usual again."""

    level: ClassVar[int] = logging.INFO

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return "the server responds again: requests are sent as usual"


@attrs.frozen(kw_only=True, slots=False)
class SlotsHeld(BaseEvent):
    """Requests wait for others that may still be under way, those of another process with the same store.

    As after ``kill -9``: the server may still receive them and work on them. It is sent once, when nothing
    has come of them for two seconds, or when it is known that their process has ended.

    Args:
        requests: how many there are.
        seconds: after how long the first of them counts as over at the latest.
        killed: whether their process has ended; this is only known of processes on this machine.
    """

    level: ClassVar[int] = logging.INFO

    requests: int
    seconds: float
    killed: bool

    @property
    def why(self) -> str:
        """What is waited for, in words."""
        return waits_for(self.requests, killed=self.killed)

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"waiting for at most {short_duration(self.seconds)}: {self.why}"


@attrs.frozen(kw_only=True, slots=False)
class SpacingChanged(BaseEvent):
    """The spacing of the requests changes from now on.

    Args:
        interval: seconds between two requests.
        why: in words.
    """

    level: ClassVar[int] = logging.INFO

    interval: float
    why: str

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"a request every {self.interval:.3g} s from now on: {self.why}"


@attrs.frozen(kw_only=True, slots=False)
class ClockSkew(BaseEvent):
    """This machine's clock and the server's differ by over five minutes; sent once, until they agree again.

    Until then, the earlier of the two determines whether a day is final.

    Args:
        seconds: how far this machine's clock is ahead of the ``Date`` of the answer; negative: behind it.
    """

    level: ClassVar[int] = logging.WARNING
    logger: ClassVar[str] = CLOCK_LOGGER

    seconds: float

    @property
    def message(self) -> str:
        """The difference, and what to do, in words."""
        amount, where = difference(abs(self.seconds)), "ahead of" if self.seconds > 0 else "behind"
        return (
            f"this machine's clock is {amount} {where} the server's: check the time of this machine;"
            " until the two agree, the earlier one decides which days are final"
        )


@attrs.frozen(kw_only=True, slots=False)
class EndpointChanged(BaseEvent):
    """The endpoint for ranges of days is not used for a day: the server lacks it, or its figures differ.

    Args:
        endpoint: the version that is used instead.
        why: in words.
    """

    level: ClassVar[int] = logging.INFO

    endpoint: str
    why: str

    @property
    def message(self) -> str:
        """What has happened, in words."""
        return f"version {self.endpoint.removeprefix('v')} of the endpoint is used for a day: {self.why}"
