"""The simulator: a real HTTP server on a socket, or a transport in the same process."""

from __future__ import annotations

import datetime as dt
import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar

from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import UsageError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.series_builder import SeriesBuilder
from hourlyclicks.model.zones import as_zone, is_final
from hourlyclicks.simulator.app import App
from hourlyclicks.simulator.catalogue import Catalogue, ListRules
from hourlyclicks.simulator.clients import client_limits
from hourlyclicks.simulator.clock import VirtualClock
from hourlyclicks.simulator.figures import read_figures, read_known
from hourlyclicks.simulator.inprocess import InProcessTransport
from hourlyclicks.simulator.limit_set import Policy
from hourlyclicks.simulator.listener import Listener
from hourlyclicks.simulator.options import check_faults, check_ranges, check_server, read_keys
from hourlyclicks.simulator.ranges import RangeRules
from hourlyclicks.simulator.server_time import Delays, ServerTime
from hourlyclicks.simulator.threads import InThread
from hourlyclicks.simulator.traffic import Traffic
from hourlyclicks.simulator.upstream import Upstream

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from hourlyclicks.client import Client
    from hourlyclicks.clock import Clock
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.plans import Plan
    from hourlyclicks.simulator.algorithms import Policing
    from hourlyclicks.simulator.app import Arrival, RetryAfter
    from hourlyclicks.simulator.counters import Counters
    from hourlyclicks.simulator.figures import Figures
    from hourlyclicks.simulator.limit_set import KeyLimits, Limit
    from hourlyclicks.simulator.script import Faults
    from hourlyclicks.simulator.traffic import Cells
    from hourlyclicks.simulator.upstream import Future

_Options = ParamSpec("_Options")
_Self = TypeVar("_Self", bound="Simulator")

DEFAULT_KEY = "simulated-key-4f9a1c07d2e85b36"


class Simulator:
    """A local server with the API, its plans and limits, and invented traffic.

    It listens on a socket inside ``async with``; `in_thread` gives it a thread of its own, for synchronous
    tests; `transport` needs no socket. Example::

        async with Simulator(plan="premium", latency=(0.005, 0.3)) as upstream:
            async with upstream.client() as client:
                series = await client.fetch("2025-01-01", "2025-01-31")
            assert series == upstream.truth(series.target, "2025-01-01", "2025-01-31")

    Args:
        seed: selects the traffic and the delays.
        plan: the plan of the default key, if ``keys`` is not given: a `Plan` or its name.
        keys: API keys and their plans; the first is `key`.
        limits: the rates of the statistics of each key, as pairs of requests and seconds; ``None``: those of
            its plan; ``()``: none.
        base_limits: the rates of all requests of each key together, likewise; ``None``: those of its plan, or
            none if ``limits`` are given.
        concurrency: how many requests for statistics of a key may be in service at once; ``None``: as its
            plan says; 0: any number.
        policing: how requests are counted; one of `ALGORITHMS`.
        time_scale: the real length of a second of the limits; with 1/60 "a minute" takes a second.
        charge_refused: whether a rejected request counts like an accepted one.
        retry_after: the form of ``Retry-After`` in a 429.
        faults: chooses the faults; the attribute `faults` changes them later.
        latency: the minimum and maximum delay in seconds, for a request and again for its answer.
        today: a date: the time is fixed at noon of that day; an aware datetime: the time is fixed at that
            moment; ``None``: the time of the clock.
        timezone: the account's zone.
        future: the answer for a day that has not begun.
        figures: chosen hours by target and day, in place of invented ones: ``{(link, "2025-04-01"): hours}``,
            or a function of a target and a date that returns ``hours``, and ``None`` for a day to invent.
            ``hours`` are 24 numbers of clicks, or 24 pairs of clicks and unique users, with ``None`` for an
            hour that is not reported; a mapping from some hours to such values; or a `DayClicks`. The
            attribute `figures` changes them later.
        known: the links and groups that exist; all others are answered with HTTP 404. ``None``: all exist.
            The attribute `known` changes it later.
        active_days: the percentage of the days on which a target has clicks at all; 0: all clicks are those
            of ``figures``.
        ranges: how ranges of days are answered for; the attribute `ranges` changes it later.
        lists: how pages of links and groups are.
        catalogue: the links and groups of the account; ``None``: there are none.
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
        plan: str | Plan = "premium",
        keys: Mapping[str, str | Plan] | None = None,
        limits: Sequence[tuple[int, float]] | None = None,
        base_limits: Sequence[tuple[int, float]] | None = None,
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
        figures: Figures | None = None,
        known: Iterable[Target] | None = None,
        active_days: int = 100,
        ranges: RangeRules | None = None,
        lists: ListRules | None = None,
        catalogue: Catalogue | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        check_server(
            seed=seed,
            retry_after=retry_after,
            faults=faults,
            latency=latency,
            today=today,
            future=future,
            ranges=ranges,
            lists=lists,
            catalogue=catalogue,
            host=host,
            port=port,
            clock=clock,
        )
        zone = as_zone(timezone) or dt.UTC
        named = read_keys({DEFAULT_KEY: plan} if keys is None else keys)
        self._key = next(iter(named))
        self._policy = Policy(
            limits=limits,
            base_limits=base_limits,
            concurrency=concurrency,
            policing=policing,
            time_scale=time_scale,
            charge_refused=charge_refused,
        )
        self._second = round(time_scale * 1_000_000_000)
        self._upstream = Upstream(
            keys=named,
            traffic=Traffic(seed, active_days),
            zone=zone,
            future=future,
            lists=lists or ListRules(),
            catalogue=catalogue or Catalogue(),
        )
        self._app = App(upstream=self._upstream, make_limits=self._make_limits, retry_after=retry_after)
        self._given = {"faults": faults, "figures": figures, "known": known, "ranges": ranges or RangeRules()}
        self._set_what_changes()
        self._time = ServerTime(clock or SystemClock(), today, zone, Delays(seed, latency))
        self._listener = Listener(self._app, self._time, host, port)
        self._make_limits(self.key)  # reports an invalid limit here and not at the first request

    @classmethod
    def in_thread(
        cls: Callable[_Options, _Self], *args: _Options.args, **options: _Options.kwargs
    ) -> InThread[_Self]:
        """Return a simulator that runs in a thread of its own inside ``with``.

        For synchronous code, and for code with an event loop of its own: the server answers while the
        test waits. Attributes may be read and set meanwhile. Example::

            with Simulator.in_thread(limits=()) as server:
                assert asyncio.run(my_application(server.url, server.key))

        Args:
            args: none, since all arguments have names.
            options: the arguments of `Simulator`; ``clock`` may not be a virtual one.

        Raises:
            UsageError: an argument is invalid.
        """
        clock = options.setdefault("clock", SystemClock())
        if isinstance(clock, VirtualClock):
            raise UsageError("a simulator in a thread needs a clock on which time passes by itself")
        return InThread(cls(*args, **options))

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
        check_faults(faults)
        self._app.faults = faults

    @property
    def figures(self) -> Figures | None:
        """The chosen figures; may be changed at any time."""
        return self._figures

    @figures.setter
    def figures(self, figures: Figures | None) -> None:
        self._upstream.chosen = None if figures is None else read_figures(figures)
        self._figures = figures

    @property
    def known(self) -> frozenset[Target] | None:
        """The links and groups that exist, ``None``: all of them; may be changed at any time."""
        return self._upstream.known

    @known.setter
    def known(self, known: Iterable[Target] | None) -> None:
        self._upstream.known = read_known(known)

    @property
    def ranges(self) -> RangeRules:
        """How ranges of days are answered for; may be changed at any time."""
        return self._upstream.ranges

    @ranges.setter
    def ranges(self, ranges: RangeRules) -> None:
        check_ranges(ranges)
        self._upstream.ranges = ranges

    @property
    def catalogue(self) -> Catalogue:
        """The links and groups of the account, to which more can be added."""
        return self._upstream.catalogue

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
        return self._listener.url

    def client(self, key: str | None = None, **options: Any) -> Client:  # noqa: ANN401 - those of Client
        """Return a new `Client` of this server: with its key, URL, limits, time zone and time.

        It can be made in any thread, and used in any event loop. Close it, or use ``async with``. Clients
        with one key share the limit of the server, but do not know of each other.

        Args:
            key: the key; the first one if omitted. A key that the server does not know has the plan of the
                first one.
            options: other arguments of `Client`; they replace those of the simulator.

        Raises:
            UsageError: an argument is invalid, or the server is not running and ``options`` have neither
                ``base_url`` nor ``transport``.
            PlanError: the plan of the key has no access to the API.
        """
        from hourlyclicks.client import Client  # noqa: PLC0415 - a server needs none

        keys = self._upstream.keys
        rules = keys.get(key or self.key, keys[self.key])
        if not {"plan", "limits"} & options.keys():
            options.update(client_limits(self._policy, rules))
        if not {"base_url", "transport"} & options.keys():
            options["base_url"] = self.url
        return Client(
            key or self.key, **{"timezone": self._upstream.zone, "clock": self._time.seen, **options}
        )

    def truth(self, target: Target, start: dt.date | str, end: dt.date | str) -> HourlySeries:
        """Return the current figures of the days from start to end, both inclusive.

        What a `client` of this server fetches is equal to it.

        Args:
            target: the target.
            start: the first day, a date or ``"YYYY-MM-DD"``.
            end: the last day, likewise.

        Returns:
            A series in which the days that have not begun are missing.
        """
        days, now = DateRange.of(start, end), self._time.now()
        builder = SeriesBuilder(target, days)
        for day, cells in self.cells(target, start, end).items():
            clicks, users = zip(*cells, strict=True)
            builder.add(DayClicks(day, clicks, users, now, is_final(day, now, self._upstream.zone)))
        return builder.build()

    def cells(self, target: Target, start: dt.date | str, end: dt.date | str) -> dict[dt.date, Cells]:
        """Return the figures of `truth` as plain tuples.

        Args:
            target: the target.
            start: the first day, a date or ``"YYYY-MM-DD"``.
            end: the last day, likewise.

        Returns:
            For each day that has begun, 24 pairs of clicks and unique users, both ``None`` for an hour that
            is not reported.
        """
        now = self._time.now()
        today = now.astimezone(self._upstream.zone).date()
        days = (day for day in DateRange.of(start, end) if day <= today)
        return {day: self._upstream.cells(target, day, now) for day in days}

    def reset(self) -> None:
        """Begin anew between two tests that share the server.

        Empties `counters`, `seen` and the limits, and sets `faults`, `figures`, `known` and `ranges` to what
        was given at first. The catalogue is left as it is.
        """
        self._app.reset()
        self._set_what_changes()

    def max_in_window(self, seconds: float, key: str | None = None, *, limit: Limit = "statistics") -> int:
        """Return the maximum number of requests of a key that arrived in any window.

        Args:
            seconds: the length of the window, on the time scale of the limits.
            key: the key; the default key if omitted.
            limit: which requests: ``"statistics"``, or ``"base"`` for all of them.
        """
        log = self._app.limits_of(key or self.key).of(limit).log
        return log.max_in_window(round(seconds * self._second))

    def transport(self, clock: Clock | None = None, *, timeout: float = 30.0) -> InProcessTransport:
        """Return a transport that sends requests to this simulator without a socket.

        Args:
            clock: the clock that the simulator uses from now on.
            timeout: the seconds one request may take.

        Not for a simulator in a thread.
        """
        self._time.clock = clock or self._time.clock
        return InProcessTransport(self._app, self._time, timeout=timeout)

    async def __aenter__(self) -> Self:
        """Start to listen."""
        await self._listener.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all connections and stop listening."""
        await self._listener.close()

    def _set_what_changes(self) -> None:
        """Set the attributes that may be changed to what was given."""
        for name, value in self._given.items():
            setattr(self, name, value)

    def _make_limits(self, key: str) -> KeyLimits:
        """Make the limits of a key."""
        return self._policy.limits_of(self._upstream.keys[key])


_CHANGES = {"faults", "figures", "known", "ranges"}
_FIXED = frozenset(inspect.signature(Simulator).parameters) - _CHANGES
"""The arguments that cannot be changed afterwards."""
