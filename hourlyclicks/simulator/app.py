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
from hourlyclicks.simulator.counters import Answered, Counters
from hourlyclicks.simulator.delivery import Delivery
from hourlyclicks.simulator.endpoints import ENDPOINTS
from hourlyclicks.simulator.limit_set import KeyLimits, LimitSet
from hourlyclicks.simulator.questions import read_question
from hourlyclicks.simulator.rules import key_of
from hourlyclicks.simulator.script import Asked, Faults
from hourlyclicks.simulator.upstream import Upstream, endpoint_of, page

if TYPE_CHECKING:
    from hourlyclicks.clock import Clock
    from hourlyclicks.simulator.delivery import Answer, Fault
    from hourlyclicks.simulator.limit_set import Limit
    from hourlyclicks.simulator.questions import Question

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
        make_limits: makes the limits of a key.
        faults: chooses the fault of each request.
        retry_after: the form of ``Retry-After`` in a 429.
    """

    upstream: Upstream
    make_limits: Callable[[str], KeyLimits]
    faults: Faults | None = None
    retry_after: RetryAfter = "seconds"
    counters: Counters = attrs.field(factory=Counters)
    seen: deque[Arrival] = attrs.field(factory=lambda: deque(maxlen=_REMEMBERED))
    _limits: dict[str, KeyLimits] = attrs.field(factory=dict, init=False)
    _accepted: int = attrs.field(default=0, init=False)
    _attempts: Counter[tuple[object, ...]] = attrs.field(factory=Counter, init=False)

    def arrive(self, arrival: Arrival) -> Exchange:
        """Handle a request; the caller carries out the delivery, and then calls `leave`."""
        self.seen.append(arrival)
        self.counters.requests += 1
        question = read_question(arrival.query, endpoint_of(arrival.path))
        self._count_days(question)
        key = self._key_of(arrival)
        exchange = self._exchange(arrival, question, key)
        self._count_status(arrival, key, exchange.delivery)
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

    def limits_of(self, key: str) -> KeyLimits:
        """Return the limits of a key."""
        limits = self._limits.get(key)
        if limits is None:  # two threads may come here at once, and both get the same
            limits = self._limits.setdefault(key, self.make_limits(key))
        return limits

    def reset(self) -> None:
        """Forget all requests but those in service."""
        in_service = self.counters.in_service
        self.counters = Counters(in_service=in_service, max_concurrent=in_service)
        self.seen.clear()
        self._limits.clear()
        self._accepted = 0
        self._attempts.clear()

    def _key_of(self, arrival: Arrival) -> str | None:
        """Return the key of a request, if it is known."""
        key = key_of(arrival.headers.get("authorization"))
        return key if key in self.upstream.keys else None

    def _exchange(self, arrival: Arrival, question: Question, key: str | None) -> Exchange:
        """Accept or reject a request."""
        if key is None:
            return Exchange(self._delivery(arrival, question))
        limit: Limit = self.upstream.lists.limit if question.endpoint.lists else "statistics"
        limits, verdict = self.limits_of(key).arrive(arrival.at, limit)
        if verdict == "accepted":
            return Exchange(self._delivery(arrival, question), limits)
        if verdict == "rate":
            self.counters.over_limit += 1
        else:
            self.counters.over_concurrency += 1
        return Exchange(Delivery(answer=self._too_many(limits, arrival)))

    def _count_days(self, question: Question) -> None:
        first, last = question.day, question.last
        if question.target is None or first is None or last is None or not question.endpoint.hourly:
            return
        for day in range(first.toordinal(), last.toordinal() + 1):
            self.counters.asked[question.target, dt.date.fromordinal(day)] += 1

    def _count_status(self, arrival: Arrival, key: str | None, delivery: Delivery) -> None:
        status = delivery.answer.status if delivery.raw is None and delivery.head else 0
        endpoint = ENDPOINTS.get(arrival.path)
        self.counters.answered[Answered(key or "", endpoint.name if endpoint else "", status)] += 1
        if status:
            self.counters.statuses[status] += 1

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
        asked_for = question.endpoint.name, question.target, question.day, question.last, _page_of(question)
        self._attempts[asked_for] += 1
        asked = Asked(
            number=self._accepted,
            attempt=self._attempts[asked_for],
            day=question.day,
            target=question.target,
            last=question.last,
            endpoint=question.endpoint.name,
            page=_page_of(question),
        )
        fault = self.faults.pick(asked)
        if fault is not None:
            self.counters.faults[type(fault).__name__] += 1
        return fault


def _page_of(question: Question) -> int | None:
    return None if question.listing is None else question.listing.page
