"""Send events to the log, to the hooks of a client, and to those of single calls.

Most days pass without a hook and without a log of all events. So before an event of every day is created,
`Dispatcher.listening` and `debugging` are asked, which cost little. Other events are rare, and are always
created: the log may want them.
"""

from __future__ import annotations

import inspect
import logging
from asyncio import CancelledError
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

from hourlyclicks.errors import UsageError
from hourlyclicks.events.context import CallContext
from hourlyclicks.events.wording import CLOCK_LOGGER, LOGGER
from hourlyclicks.model.checks import check_label

if TYPE_CHECKING:
    from types import TracebackType

    from hourlyclicks.events.event import Event
    from hourlyclicks.events.hook_failures import HookFailures
    from hourlyclicks.events.stream import EventStream
    from hourlyclicks.model.priority import Lane
    from hourlyclicks.model.targets import Target

_log = logging.getLogger(LOGGER)
_LOGGERS = {LOGGER: _log, CLOCK_LOGGER: logging.getLogger(CLOCK_LOGGER)}

debugging = partial(_log.isEnabledFor, logging.DEBUG)
"""Whether the log takes every event."""


class Hook(Protocol):
    """A callable that receives events."""

    def __call__(self, event: Event, /) -> object:
        """Receive an event; the return value is ignored."""
        ...


Hooks: TypeAlias = "Hook | Iterable[Hook] | None"
"""One hook, several, or none."""


class Subscription:
    """A hook of a client that receives events until it is cancelled, or until its ``with`` block is left.

    Args:
        dispatcher: calls the hook.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def cancel(self) -> None:
        """Send no more events to the hook; a second time does nothing."""
        self._dispatcher.unsubscribe(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()


class Dispatcher:
    """Send events to the log and to hooks.

    Args:
        hooks: the hooks that receive all events of the client.

    Attributes:
        listening: whether there is any hook.

    Raises:
        UsageError: one of them cannot be a hook.
    """

    __slots__ = (
        "_failures",
        "_given",
        "_hooks",
        "_of_calls",
        "_streams",
        "_subscribed",
        "_warned",
        "listening",
    )

    def __init__(self, hooks: Hooks = None) -> None:
        self._given = self._hooks = as_hooks(hooks)
        self._subscribed: dict[Subscription, Hook] = {}
        self._of_calls: dict[int | None, tuple[Hook, ...]] = {}
        self._streams: set[EventStream] = set()
        self._failures: HookFailures | None = None
        self._warned = False
        self.listening = bool(self._hooks)

    def __bool__(self) -> bool:
        """Whether every event would be received; if not, those of every day need not be created."""
        return self.listening or debugging()

    def __call__(self, event: Event, /) -> None:
        """Send an event."""
        log = _LOGGERS[event.logger]
        if log.isEnabledFor(event.level):
            from hourlyclicks.events.records import write  # noqa: PLC0415 - as late as the events

            write(log, event)
        self._deliver(self._hooks, event)
        if self._of_calls:
            self._deliver(self._hooks_of(event.call), event)

    def begin(
        self, lane: Lane, target: Target | None = None, *, label: str | None = None, on_event: Hooks = None
    ) -> CallContext:
        """Return the context of a call that begins.

        Args:
            lane: its priority.
            target: its target; ``None``: several.
            label: what the user calls it.
            on_event: receive its events, and those that concern all calls, while the context is entered.

        Raises:
            UsageError: the label is no label, or a hook cannot be one.
        """
        if label is not None:
            check_label("label", label)
        hooks = () if on_event is None else as_hooks(on_event)
        return CallContext(lane, target, label=label, hooks=hooks, dispatcher=self)

    def call_began(self, context: CallContext) -> None:
        """Call the hooks of a call from now on."""
        self._of_calls[context.call] = context.hooks
        self.listening = True

    def call_ended(self, context: CallContext) -> None:
        """Call the hooks of a call no more."""
        self._of_calls.pop(context.call, None)
        self.listening = bool(self._hooks or self._of_calls)

    def subscribe(self, hook: Hook) -> Subscription:
        """Call a further hook with all events of the client from now on.

        Raises:
            UsageError: it cannot be a hook.
        """
        check_hook(hook)
        subscription = Subscription(self)
        self._subscribed[subscription] = hook
        self._change()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Call that hook no more."""
        self._subscribed.pop(subscription, None)
        self._change()

    def attach(self, stream: EventStream) -> None:
        """End a stream with the client."""
        self._streams.add(stream)

    def detach(self, stream: EventStream) -> None:
        """Forget a stream."""
        self._streams.discard(stream)

    def end(self) -> None:
        """Let all streams end, since no event follows, and log how often hooks have failed."""
        if self._failures is not None:
            self._failures.summarize()
        while self._streams:
            self._streams.pop().end()

    # -- inside -----------------------------------------------------------------------------------------

    def _change(self) -> None:
        self._hooks = (*self._given, *self._subscribed.values())
        self.listening = bool(self._hooks or self._of_calls)

    def _hooks_of(self, call: int | None) -> tuple[Hook, ...]:
        """Return the hooks of a call, or of all calls if the event concerns them all."""
        if call is not None:
            return self._of_calls.get(call, ())
        return tuple(hook for hooks in self._of_calls.values() for hook in hooks)

    def _deliver(self, hooks: tuple[Hook, ...], event: Event) -> None:
        for hook in hooks:
            try:
                returned = hook(event)
            except (Exception, CancelledError) as error:  # noqa: BLE001 - no exception of a hook may stop a run
                self._failed(hook, event, error)
            else:
                if returned is not None and inspect.isawaitable(returned):
                    self._drop(returned)

    def _failed(self, hook: Hook, event: Event, error: BaseException) -> None:
        if self._failures is None:
            from hourlyclicks.events.hook_failures import HookFailures  # noqa: PLC0415 - most hooks do not fail

            self._failures = HookFailures()
        self._failures.record(hook, event, error)

    def _drop(self, returned: object) -> None:
        """Log once that the return value of a hook is not awaited; a task runs by itself."""
        if hasattr(returned, "add_done_callback"):
            return
        if inspect.iscoroutine(returned):
            returned.close()
        if not self._warned:
            self._warned = True
            _log.warning("the event hook returns a coroutine, which is not run; let it start a task instead")


def as_hooks(hooks: Hooks) -> tuple[Hook, ...]:
    """Return one hook or several as a tuple.

    Raises:
        UsageError: one of them cannot be a hook.
    """
    if hooks is None:
        return ()
    several: Iterable[Hook] = (hooks,) if callable(hooks) or not isinstance(hooks, Iterable) else hooks
    each = tuple(several)
    for hook in each:
        check_hook(hook)
    return each


def check_hook(hook: object) -> None:
    """Raise `UsageError` unless an object can be a hook."""
    if not callable(hook):
        raise UsageError(f"on_event must be callable with an event, and {hook!r} is not")
    if _is_async(hook):
        raise UsageError(
            f"on_event cannot be the async function {hook!r}, which would never run; "
            "give a function that starts it with asyncio.create_task"
        )


def _is_async(hook: object) -> bool:
    """Return whether calling a hook would only create a coroutine."""
    while isinstance(hook, partial):
        hook = hook.func
    return any(map(inspect.iscoroutinefunction, (hook, getattr(hook, "__call__", None))))  # noqa: B004 - its kind is asked for
