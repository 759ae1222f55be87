"""The simulator: a real HTTP server on a socket, or a transport in the same process."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import inspect
import random
import socket
import struct
from typing import TYPE_CHECKING, Self, cast

from aiohttp import web

from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange, as_zone
from hourlyclicks.simulator.algorithms import LimitSet, algorithm
from hourlyclicks.simulator.app import App, Arrival
from hourlyclicks.simulator.inprocess import InProcessTransport
from hourlyclicks.simulator.rules import plan_rules
from hourlyclicks.simulator.traffic import Traffic
from hourlyclicks.simulator.upstream import Upstream

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from hourlyclicks.clock import Clock
    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator.algorithms import Policing
    from hourlyclicks.simulator.app import Counters, RetryAfter
    from hourlyclicks.simulator.delivery import Delivery
    from hourlyclicks.simulator.script import Faults
    from hourlyclicks.simulator.traffic import Cells
    from hourlyclicks.simulator.upstream import Future

DEFAULT_KEY = "simulated-key-4f9a1c07d2e85b36"

_RESET = struct.pack("ii", 1, 0)
_NOTICED = 0.02
_GRACE = 1.0
"""The seconds after which handlers of open connections are cancelled."""

_TURNS_TO_ACCEPT = 4
"""The most iterations of the event loop between accepting a connection and calling its protocol."""


class Simulator:
    """A local server with the API, its plans and limits, and invented traffic.

    It listens on a socket inside ``async with``; `transport` needs no socket. Example::

        async with Simulator(plan="premium", latency=(0.005, 0.3)) as upstream:
            async with Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM) as client:
                series = await client.fetch("2025-01-01", "2025-01-31")
            assert upstream.counters.over_limit == 0

    Args:
        seed: selects the traffic and the delays.
        plan: the plan of the default key, if ``keys`` is not given.
        keys: API keys and the names of their plans; the first is `key`.
        limits: the rates of each key, as pairs of requests and seconds; ``None``: those of its plan;
            ``()``: none.
        concurrency: how many requests of a key may be in service at once; ``None``: as its plan says;
            0: any number.
        policing: how requests are counted; one of `hourlyclicks.simulator.ALGORITHMS`.
        time_scale: the real length of a second of the limits; with 1/60 "a minute" takes a second.
        charge_refused: whether a rejected request counts like an accepted one.
        retry_after: the form of ``Retry-After`` in a 429.
        faults: chooses the faults; the attribute `faults` changes them later.
        latency: the minimum and maximum delay in seconds, for a request and again for its answer.
        today: a date: the time is fixed at noon of that day; an aware datetime: the time is fixed at that
            moment; ``None``: the time of the clock.
        timezone: the account's zone.
        future: the answer for a day that has not begun.
        host: the address to listen on.
        port: the port to listen on; 0: a free one.
        clock: the clock of delays, limits and "today".

    Raises:
        UsageError: an argument is invalid.
    """

    def __init__(  # noqa: PLR0913 - keyword options with defaults, one for each property of the server
        self,
        *,
        seed: int = 0,
        plan: str = "premium",
        keys: Mapping[str, str] | None = None,
        limits: Sequence[tuple[int, float]] | None = None,
        concurrency: int | None = None,
        policing: Policing = "sliding_log",
        time_scale: float = 1.0,
        charge_refused: bool = False,
        retry_after: RetryAfter = "seconds",
        faults: Faults | None = None,
        latency: tuple[float, float] = (0.0, 0.0),
        today: dt.date | None = None,
        timezone: str | dt.tzinfo | None = None,
        future: Future = "error",
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        zone = as_zone(timezone) or dt.UTC
        named = {key: plan_rules(name) for key, name in (keys or {DEFAULT_KEY: plan}).items()}
        self._key = next(iter(named))
        self._limits = limits
        self._concurrency = concurrency
        self._make_algorithm = functools.partial(
            algorithm, policing, time_scale=time_scale, charge_refused=charge_refused
        )
        self._second = round(time_scale * 1_000_000_000)
        self._upstream = Upstream(keys=named, traffic=Traffic(seed), zone=zone, future=future)
        self._app = App(
            upstream=self._upstream, limits_of=self._limits_of, faults=faults, retry_after=retry_after
        )
        self._least, self._most = latency
        self._random = random.Random(seed)
        self._moment = _moment(today, zone)
        self._clock: Clock = clock or SystemClock()
        self._host, self._port = host, port
        self._listener: asyncio.Server | None = None
        self._opened = contextlib.AsyncExitStack()
        self._closing = asyncio.Event()
        self._limits_of(self.key)  # reports an invalid limit here and not at the first request

    def __setattr__(self, name: str, value: object) -> None:
        if name in _FIXED:
            raise AttributeError(f"Simulator.{name} cannot be changed: pass it to Simulator()")
        super().__setattr__(name, value)

    @property
    def key(self) -> str:
        """The first API key."""
        return self._key

    @property
    def faults(self) -> Faults | None:
        """Chooses the faults; may be changed at any time, for requests that arrive from then on."""
        return self._app.faults

    @faults.setter
    def faults(self, faults: Faults | None) -> None:
        self._app.faults = faults

    @property
    def counters(self) -> Counters:
        """The counters so far."""
        return self._app.counters

    @property
    def seen(self) -> deque[Arrival]:
        """The last 1,000 received requests, the newest last."""
        return self._app.seen

    @property
    def url(self) -> str:
        """The base URL of the running server.

        Raises:
            UsageError: the server is not running.
        """
        if self._listener is None:
            raise UsageError("the simulator listens only inside 'async with'")
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def truth(self, target: Target, start: dt.date | str, end: dt.date | str) -> dict[dt.date, Cells]:
        """Return the current figures of the days from start to end, both inclusive.

        Args:
            target: the target.
            start: the first day, a date or ``"YYYY-MM-DD"``.
            end: the last day, likewise.

        Returns:
            For each day that has begun, 24 pairs of clicks and unique users, both ``None`` for an hour that
            is not reported.
        """
        now = self._now()
        today = now.astimezone(self._upstream.zone).date()
        days = (day for day in DateRange.of(start, end) if day <= today)
        return {day: self._upstream.cells(target, day, now) for day in days}

    def max_in_window(self, seconds: float, key: str | None = None) -> int:
        """Return the maximum number of requests of a key that arrived in any window.

        Args:
            seconds: the length of the window, on the time scale of the limits.
            key: the key; the default key if omitted.
        """
        return self._app.limit_set(key or self.key).log.max_in_window(round(seconds * self._second))

    def transport(self, clock: Clock | None = None, *, timeout: float = 30.0) -> InProcessTransport:
        """Return a transport that sends requests to this simulator without a socket.

        Args:
            clock: the clock that the simulator uses from now on.
            timeout: the seconds one request may take.
        """
        self._clock = clock or self._clock
        return InProcessTransport(self._app, self._clock, now=self._now, lag=self._lag, timeout=timeout)

    async def __aenter__(self) -> Self:
        """Start to listen."""
        connections = web.Server(self._handle, handler_cancellation=True, access_log=None)
        async with contextlib.AsyncExitStack() as opened:
            opened.push_async_callback(connections.shutdown, _GRACE)
            opened.callback(connections.pre_shutdown)  # idle connections end at once
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(connections, self._host, self._port)
            opened.push_async_callback(_stop_listening, self._listener)
            self._opened = opened.pop_all()
        self._closing = asyncio.Event()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections and stop listening."""
        self._listener = None
        self._closing.set()
        await self._opened.aclose()

    def _limits_of(self, key: str) -> LimitSet:
        """Make the limit set of a key."""
        plan = self._upstream.keys[key]
        concurrency = plan.concurrent if self._concurrency is None else self._concurrency
        published = ((plan.per_minute, 60.0),) if plan.per_minute else ()
        limits = published if self._limits is None else self._limits
        rates = [self._make_algorithm(requests, seconds) for requests, seconds in limits]
        return LimitSet(rates, concurrency or None)

    def _now(self) -> dt.datetime:
        return self._moment or self._clock.wall()

    def _lag(self) -> float:
        return self._random.uniform(self._least, self._most) if self._most else 0.0

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        arrival = functools.partial(self._arrival, request)
        exchange = await self._app.admit(self._clock, self._lag(), arrival)
        delivery = exchange.delivery
        try:
            await self._clock.sleep(self._lag() + delivery.delay)
            if not delivery.plain:
                # A lost connection would have cancelled this handler, so there is a transport.
                await self._perform(delivery, cast("asyncio.Transport", request.transport))
        finally:
            self._app.leave(exchange)
        answer = delivery.answer
        return web.Response(status=answer.status, headers=answer.headers, body=delivery.body)

    def _arrival(self, request: web.BaseRequest) -> Arrival:
        path, _, query = request.raw_path.partition("?")
        return Arrival(
            method=request.method,
            path=path,
            query=query,
            headers=request.headers,
            at=self._clock.monotonic(),
            now=self._now(),
        )

    async def _perform(self, delivery: Delivery, transport: asyncio.Transport) -> None:
        """Send bytes without the HTTP server, and end the connection as the delivery says."""
        await self._write(delivery, transport)
        if delivery.end == "hang":
            await self._closing.wait()
        elif delivery.end == "reset":
            await asyncio.sleep(
                _NOTICED if delivery.wire() else 0
            )  # the client must read the sent bytes first
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        transport.close()

    async def _write(self, delivery: Delivery, transport: asyncio.Transport) -> None:
        wire = delivery.wire()
        if not delivery.drip:
            transport.write(wire)
            return
        for place in range(len(wire)):
            if self._closing.is_set():
                return
            transport.write(wire[place : place + 1])
            await self._clock.sleep(delivery.drip)


_FIXED = frozenset(inspect.signature(Simulator).parameters) - {"faults"}
"""The arguments that cannot be changed afterwards."""


async def _stop_listening(listener: asyncio.Server) -> None:
    """Stop listening without losing a connection that is being accepted.

    When asyncio calls the protocol of a new connection, its server must be open: otherwise the socket leaks,
    neither closed nor known to aiohttp.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError):  # loops without access to their readers
        for listening in listener.sockets:
            loop.remove_reader(listening.fileno())
    for _ in range(_TURNS_TO_ACCEPT):
        await asyncio.sleep(0)
    listener.close()


def _moment(today: dt.date | None, zone: dt.tzinfo) -> dt.datetime | None:
    """Return the moment of a fixed "today"."""
    if not isinstance(today, dt.datetime):
        return dt.datetime.combine(today, dt.time(12), zone) if today else None
    if today.tzinfo is None:
        raise UsageError("today is a date or an aware datetime")
    return today
