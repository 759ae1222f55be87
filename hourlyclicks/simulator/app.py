"""The application: handles every request, over a socket or in-process.

Theory. A request is handled in this order: it is counted; the limit set of its key accepts or rejects it; a
fault may be chosen for it; the upstream answers, and the fault changes the answer. A rejected request (429)
gets no fault and counts as no attempt. An accepted one is in service, for the limit on concurrency, until
its `Exchange`
ends: after its last byte, or when the client has disconnected.

The application is synchronous; the socket server and the in-process transport only wait and send.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
import math
from collections import Counter, deque
from collections.abc import Callable, Mapping
from email.utils import format_datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.model.targets import Target
from hourlyclicks.simulator.algorithms import LimitSet
from hourlyclicks.simulator.delivery import Delivery
from hourlyclicks.simulator.rules import key_of, read_question
from hourlyclicks.simulator.script import Asked, Faults
from hourlyclicks.simulator.upstream import Upstream, page

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.simulator.delivery import Answer, Fault
    from hourlyclicks.simulator.rules import Question

RetryAfter: TypeAlias = Literal["seconds", "date", "none"]
"""The form of ``Retry-After`` in a 429: whole seconds, an HTTP date, or none."""

_REMEMBERED = 1000


@attrs.frozen(kw_only=True)
class Arrival:
    """A received request.

    Args:
        method: the HTTP method.
        path: the path, undecoded.
        query: the query string, undecoded.
        headers: the header fields, in a mapping that ignores case; they contain the key.
        at: nanoseconds on the simulator's clock.
        now: the wall time.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    at: int
    now: dt.datetime


@attrs.define
class Counters:
    """The counters of a simulator.

    Attributes:
        requests: all requests.
        statuses: the answers by HTTP status, without those that were not HTTP.
        over_limit: requests rejected because of the rate (429).
        over_concurrency: requests rejected because too many were in service (429).
        in_service: requests in service now.
        max_concurrent: the maximum of requests in service.
        faults: the faults that occurred, by the name of their type.
        asked: how often each day of each target was requested, rejected requests included.
    """

    requests: int = 0
    statuses: Counter[int] = attrs.field(factory=Counter)
    over_limit: int = 0
    over_concurrency: int = 0
    in_service: int = 0
    max_concurrent: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    asked: Counter[tuple[Target, dt.date]] = attrs.field(factory=Counter)


@attrs.frozen
class Exchange:
    """A request that was handled: its delivery, and the limit set in which it is in service."""

    delivery: Delivery
    limits: LimitSet | None = None


@attrs.define(kw_only=True)
class App:
    """Handle requests and count them.

    Args:
        upstream: the API.
        limits_of: makes the limit set of a key.
        faults: chooses the fault of each request.
        retry_after: the form of ``Retry-After`` in a 429.
    """

    upstream: Upstream
    limits_of: Callable[[str], LimitSet]
    faults: Faults | None = None
    retry_after: RetryAfter = "seconds"
    counters: Counters = attrs.field(factory=Counters)
    seen: deque[Arrival] = attrs.field(factory=lambda: deque(maxlen=_REMEMBERED))
    _limits: dict[str, LimitSet] = attrs.field(factory=dict, init=False)
    _accepted: int = attrs.field(default=0, init=False)
    _attempts: Counter[tuple[Target | None, dt.date | None]] = attrs.field(factory=Counter, init=False)

    def arrive(self, arrival: Arrival) -> Exchange:
        """Handle a request; the caller carries out the delivery, and then calls `leave`."""
        self.seen.append(arrival)
        self.counters.requests += 1
        question = read_question(arrival.query)
        if question.target is not None and question.day is not None:
            self.counters.asked[question.target, question.day] += 1
        limits = self._limits_for(arrival)
        exchange = self._rejection(arrival, limits) or Exchange(self._delivery(arrival, question), limits)
        if exchange.delivery.raw is None and exchange.delivery.head:
            self.counters.statuses[exchange.delivery.answer.status] += 1
        self.counters.in_service += 1
        self.counters.max_concurrent = max(self.counters.max_concurrent, self.counters.in_service)
        return exchange

    async def admit(self, clock: Clock, lag: float, arrival: Callable[[], Arrival]) -> Exchange:
        """Handle a request after the seconds of its network delay.

        A request under way arrives even if the client gives up in the meantime, and is counted.
        """
        if lag <= 0:
            return self.arrive(arrival())
        arrived: asyncio.Future[Exchange] = asyncio.get_running_loop().create_future()
        clock.call_later(round(lag * SECOND), functools.partial(self._arrived, arrival, arrived))
        try:
            return await arrived
        except asyncio.CancelledError:
            if not arrived.cancelled():
                self.leave(arrived.result())
            raise

    def _arrived(self, arrival: Callable[[], Arrival], arrived: asyncio.Future[Exchange]) -> None:
        exchange = self.arrive(arrival())
        if arrived.cancelled():
            self.leave(exchange)
        else:
            arrived.set_result(exchange)

    def leave(self, exchange: Exchange) -> None:
        """End an exchange."""
        self.counters.in_service -= 1
        if exchange.limits is not None:
            exchange.limits.leave()

    def limit_set(self, key: str) -> LimitSet:
        """Return the limit set of a key."""
        if key not in self._limits:
            self._limits[key] = self.limits_of(key)
        return self._limits[key]

    def _limits_for(self, arrival: Arrival) -> LimitSet | None:
        """Return the limit set of a request; ``None`` if its key is unknown."""
        key = key_of(arrival.headers.get("authorization"))
        return self.limit_set(key) if key is not None and key in self.upstream.keys else None

    def _rejection(self, arrival: Arrival, limits: LimitSet | None) -> Exchange | None:
        verdict = limits.arrive(arrival.at) if limits is not None else "accepted"
        if limits is None or verdict == "accepted":
            return None
        if verdict == "rate":
            self.counters.over_limit += 1
        else:
            self.counters.over_concurrency += 1
        return Exchange(Delivery(answer=self._too_many(limits, arrival)))

    def _too_many(self, limits: LimitSet, arrival: Arrival) -> Answer:
        answer = page(429, "Too Many Requests")
        seconds = math.ceil((limits.opens(arrival.at) - arrival.at) / SECOND)
        match self.retry_after:
            case "none":
                return answer
            case "seconds":
                return answer.with_header("Retry-After", str(max(1, seconds)))
        moment = arrival.now.astimezone(dt.UTC) + dt.timedelta(seconds=max(1, seconds) + 1)
        return answer.with_header("Retry-After", format_datetime(moment, usegmt=True))

    def _delivery(self, arrival: Arrival, question: Question) -> Delivery:
        answer = self.upstream.refuse(arrival.method, arrival.path, arrival.headers)
        if answer is None:
            answer = self.upstream.reply(question, arrival.headers, arrival.now)
        fault = self._fault(question)
        return Delivery(answer=answer) if fault is None else fault.deliver(answer)

    def _fault(self, question: Question) -> Fault | None:
        if self.faults is None:
            return None
        self._accepted += 1
        self._attempts[question.target, question.day] += 1
        asked = Asked(
            number=self._accepted,
            attempt=self._attempts[question.target, question.day],
            day=question.day,
            target=question.target,
        )
        fault = self.faults.pick(asked)
        if fault is not None:
            self.counters.faults[type(fault).__name__] += 1
        return fault
