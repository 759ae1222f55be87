"""What all events have in common: whose they are, and how they are logged."""

from __future__ import annotations

import logging
from typing import ClassVar

import attrs

from hourlyclicks.events.wording import LOGGER
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.targets import Target


@attrs.frozen(kw_only=True, slots=False)
class BaseEvent:
    """What every event has, besides what it is about.

    Two events are equal if the same has happened, whichever call it happened in: `call`, `label` and `lane`
    are not compared. Events have no ``__slots__``: a frozen instance with them costs three times as much to
    make, and events are made for every day and seldom kept.

    Args:
        call: the number of the call in which it happened, from 1, the same in all of its events and unique
            in the process; ``None``: it concerns all calls of the client.
        label: the ``label`` of that call, if it has one.
        lane: the priority of that call.
        target: the target that it is about; ``None``: it is about no target, or about several.

    Attributes:
        level: the level at which it is logged, as in `logging`.
        logger: the name of the logger to which it is written.
    """

    level: ClassVar[int] = logging.DEBUG
    logger: ClassVar[str] = LOGGER

    call: int | None = attrs.field(default=None, eq=False)
    label: str | None = attrs.field(default=None, eq=False)
    lane: Lane | None = attrs.field(default=None, eq=False)
    target: Target | None = attrs.field(default=None, eq=False)

    @property
    def message(self) -> str:
        """What has happened, in words."""
        raise NotImplementedError
