"""The resources that a client uses, made from its arguments: transport, store, clock, randomness, events."""

from __future__ import annotations

import os
import random as random_module
from typing import TYPE_CHECKING, Self

import attrs

from hourlyclicks.clock import Clock, SystemClock
from hourlyclicks.errors import UsageError
from hourlyclicks.events import Dispatcher
from hourlyclicks.model.checks import check_name, check_type
from hourlyclicks.store.opening import store_of
from hourlyclicks.store.protocol import Store
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout, Transport
from hourlyclicks.transport.user_transport import TranslatingTransport

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

    from hourlyclicks.coordination.account_lease import AccountLease
    from hourlyclicks.events import Hooks


@attrs.frozen
class Environment:
    """The clock, the randomness, and the receiver of events.

    Args:
        clock: what time it is.
        random: draws the jitter of waits.
        dispatch: receives the events.
    """

    clock: Clock
    random: random_module.Random
    dispatch: Dispatcher

    @classmethod
    def of(cls, clock: Clock | None, random: random_module.Random | None, on_event: Hooks) -> Self:
        """Use what was given, and the machine's clocks and randomness otherwise."""
        return cls(clock or SystemClock(), random or random_module.SystemRandom(), Dispatcher(on_event))


@attrs.frozen
class Storage:
    """The store, and how it is used.

    Args:
        store: the store.
        owned: whether it is closed in the end.
        account: the name of the account in it; ``None``: a hash of the key.
    """

    store: Store
    owned: bool
    account: str | None

    @property
    def lease(self) -> AccountLease | None:
        """The lease of the account, within which the store is used; ``None``: there is none."""
        return getattr(self.store, "lease", None)

    @classmethod
    def of(
        cls, store: Store | str | os.PathLike[str] | None, clock: Clock, account: str | None
    ) -> Self | None:
        """Use a store that was given, or open the one of a path or an address, which is owned then.

        Raises:
            UsageError: this is no store, or no name of an account.
        """
        if account is not None:
            check_name("account", account)
        if store is None:
            return None
        return cls(store_of(store, clock), owned=isinstance(store, str | os.PathLike), account=account)


@attrs.frozen
class Network:
    """The transport, and how it is used.

    Args:
        transport: the transport.
        owned: whether it is closed in the end.
        longest: the seconds one request can take.
    """

    transport: Transport
    owned: bool
    longest: float

    @classmethod
    def of(
        cls,
        transport: Transport | None,
        *,
        session: aiohttp.ClientSession | None,
        proxy: str | URL | None,
        timeout: Timeout,
    ) -> Self:
        """Use a transport that was given, or aiohttp, which is owned then.

        Raises:
            UsageError: an argument is invalid, or several exclude each other.
        """
        check_type("timeout", timeout, Timeout)
        if sum(each is not None for each in (session, proxy, transport)) > 1:
            raise UsageError("give one of a session, a proxy and a transport")
        if transport is not None:
            return cls(TranslatingTransport(transport), owned=False, longest=timeout.total)
        own = AiohttpTransport(session, timeout=timeout, proxy=proxy)
        return cls(own, owned=True, longest=timeout.total)
