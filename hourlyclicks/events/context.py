"""Which call of a user an event belongs to."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Self, TypedDict

if TYPE_CHECKING:
    from types import TracebackType

    from hourlyclicks.events.dispatcher import Dispatcher, Hook
    from hourlyclicks.model.priority import Lane
    from hourlyclicks.model.targets import Target

_numbers = itertools.count(1)


class Tags(TypedDict):
    """What the events of a call have in common, as their arguments."""

    call: int | None
    label: str | None
    lane: Lane | None


class CallContext:
    """A call of a user, as its events name it. While its context is entered, its own hooks are called.

    Args:
        lane: its priority.
        target: its target; ``None``: several.
        label: what the user calls it.
        hooks: receive its events.
        dispatcher: sends them.

    Attributes:
        call: its number; ``None``: events do not tell the call.
        tags: what its events have in common; their targets differ.
    """

    __slots__ = ("_dispatcher", "call", "hooks", "label", "lane", "tags", "target")

    def __init__(
        self,
        lane: Lane | None,
        target: Target | None = None,
        *,
        label: str | None = None,
        hooks: tuple[Hook, ...] = (),
        dispatcher: Dispatcher | None = None,
    ) -> None:
        self.call = None if lane is None else next(_numbers)
        self.lane = lane
        self.target = target
        self.label = label
        self.hooks = hooks
        self.tags: Tags = {"call": self.call, "label": label, "lane": lane}
        self._dispatcher = dispatcher

    @property
    def priority(self) -> Lane:
        """The lane of a call of a user, which always has one."""
        assert self.lane is not None  # noqa: S101 - only `NO_CALL` has none, and it sends no request
        return self.lane

    def __enter__(self) -> Self:
        if self.hooks and self._dispatcher is not None:
            self._dispatcher.call_began(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.hooks and self._dispatcher is not None:
            self._dispatcher.call_ended(self)


NO_CALL = CallContext(None)
"""The context of what happens in no call of a user."""
