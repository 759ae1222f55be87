"""Prometheus metrics of an `hourlyclicks.Client`: its requests, and its state."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from hourlyclicks.events import DayDone, DayFailed, Paused, RequestDone
from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks import Client, ClientState
    from hourlyclicks.events import Event
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

WAITS = (0.01, 0.1, 1, 10, 60, 300, 1800)
"""The buckets of the seconds that requests wait for the rate limit."""


class ClicksMetrics:
    """An event hook that counts.

    No metric has a link as a label: each new link would be a new series in Prometheus.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "hourlyclicks_requests",
            "Requests by endpoint and status.",
            ["endpoint", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "hourlyclicks_request_seconds",
            "From sending to the answer.",
            ["endpoint"],
            registry=registry,
        )
        self.waited = Histogram(
            "hourlyclicks_waited_seconds",
            "Waiting for the rate limit.",
            ["lane"],
            buckets=WAITS,
            registry=registry,
        )
        self.days = Counter(
            "hourlyclicks_days",
            "Days by their outcome.",
            ["result"],
            registry=registry,
        )
        self.pauses = Counter(
            "hourlyclicks_pauses", "Pauses of all requests.", registry=registry
        )

    def __call__(self, event: Event) -> None:
        """Count an event."""
        if isinstance(event, RequestDone):
            self.requests.labels(event.endpoint, event.status or "none").inc()
            self.seconds.labels(event.endpoint).observe(event.seconds)
            lane = "none" if event.lane is None else event.lane.name.lower()
            self.waited.labels(lane).observe(event.waited)
        elif isinstance(event, DayDone):
            self.days.labels("final" if event.final else "provisional").inc()
        elif isinstance(event, DayFailed):
            self.days.labels("failed").inc()
        elif isinstance(event, Paused):
            self.pauses.inc()


class ClientCollector(Collector):
    """The state of a client at each scrape; made on the event loop of the client."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.loop = asyncio.get_running_loop()
        self.thread = threading.get_ident()

    async def read(self) -> ClientState:
        """Return the state."""
        return self.client.state()

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges.

        The state is read on the event loop, whichever thread answers the scrape.
        """
        if threading.get_ident() == self.thread:
            state = self.client.state()
        else:
            state = asyncio.run_coroutine_threadsafe(self.read(), self.loop).result(
                timeout=5
            )
        yield GaugeMetricFamily(
            "hourlyclicks_usable", "Whether requests can be sent.", value=state.usable
        )
        yield GaugeMetricFamily(
            "hourlyclicks_in_flight", "Requests in flight.", value=state.in_flight
        )
        yield GaugeMetricFamily(
            "hourlyclicks_opens_seconds",
            "Until a request may go.",
            value=state.opens_in,
        )
        unsent = GaugeMetricFamily(
            "hourlyclicks_unsent", "Requests that calls still need.", labels=["lane"]
        )
        unsent.add_metric(["interactive"], state.interactive.unsent)
        unsent.add_metric(["backfill"], state.backfill.unsent)
        yield unsent
        free = GaugeMetricFamily(
            "hourlyclicks_window_free", "What is left of each rate.", labels=["window"]
        )
        for window in state.windows:
            free.add_metric([f"{window.seconds:g}s"], window.free)
        yield free
