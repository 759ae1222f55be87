"""A store as long as one client uses it; it may be open for others before and afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hourlyclicks.errors import HourlyClicksError, StoreError, UsageError, name_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.store.protocol import Store


class StoreLatch:
    """A store that one client uses until the client is closed, and not afterwards.

    Foreign exceptions of a user's store are translated into a `StoreError`, so that the answer that could not
    be written is passed on with it.

    Args:
        store: the store; it is not closed here, so other clients can use it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shut = False

    def shut(self) -> None:
        """Reject every call from now on."""
        self._shut = True

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        method: Callable[..., Awaitable[Any]] = getattr(self._store, name)

        async def call(*args: object, **options: object) -> Any:  # noqa: ANN401 - as the method returns
            if self._shut:
                raise UsageError("the client is closed", fatal=True)
            try:
                return await method(*args, **options)
            except HourlyClicksError:
                raise
            except Exception as error:  # noqa: BLE001 - a store of the user can raise anything
                failure = StoreError(f"the store failed with {name_of(error)}")
            raise failure

        setattr(self, name, call)  # cached as an attribute
        return call
