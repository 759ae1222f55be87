"""Spans and metrics of a client for OpenTelemetry (``pip install 'hourlyclicks[otel]'``).

::

    from hourlyclicks.otel import instrument

    async with Client() as client:
        with instrument(client):
            series = await client.fetch("2025-04-01", "2025-04-30", link)

They follow the semantic conventions for HTTP clients. Each request is a span of the kind *client*, whose
parent is the span in which the call was made. ``docs/how-to/metrics.md`` has all names. The module needs
``opentelemetry-api`` only: without an SDK, all of this does nothing.

No attribute has the API key. Links and groups are in spans only if that is asked for, and in no metric, where
each of them would be a series of its own.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from hourlyclicks._version import __version__
from hourlyclicks.events import DayDone, DayFailed, Paused, RequestDone
from hourlyclicks.model.extras import needing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
    from opentelemetry.trace import Span, TracerProvider

    from hourlyclicks.client import Client
    from hourlyclicks.events import Event
    from hourlyclicks.model.state import ClientState

__all__ = ["Instrumentation", "instrument"]

SCHEMA = "https://opentelemetry.io/schemas/1.38.0"
"""The version of the semantic conventions."""

_NAME = "hourlyclicks"
_NANOSECONDS = 1_000_000_000
_FIRST_ERROR = 400
_SCRAPE = 1.0
"""Seconds to wait for an event loop that is busy while another thread collects the metrics."""

_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets that the conventions recommend."""

_WAITS = (0.01, 0.1, 1, 5, 15, 60, 300, 900, 3600)

_PATHS = {
    "clicks-by-hour/v2": "/api/statistics/v2/clicks-by-hour",
    "clicks-by-hour/v3": "/api/statistics/v3/clicks-by-hour",
    "clicks-by-date/v2": "/api/statistics/v2/clicks-by-date",
    "links/v1": "/api/link/v1/list",
    "groups/v2": "/api/link-group/v2/list",
}


def instrument(
    client: Client,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    record_targets: bool = False,
) -> Instrumentation:
    """Make spans and metrics of a client from now on.

    Args:
        client: the client.
        tracer_provider: makes the spans; ``None``: the global one.
        meter_provider: makes the metrics; ``None``: the global one.
        record_targets: whether spans tell the link or group and the day; with their address, links may be
            confidential.

    Returns:
        A context manager that ends it, with a method ``uninstrument``.

    Raises:
        UsageError: OpenTelemetry is not installed.
    """
    with needing("opentelemetry", extra="otel"):
        from opentelemetry import metrics, trace  # noqa: F401, PLC0415 - an extra
    return Instrumentation(client, tracer_provider, meter_provider, record_targets=record_targets)


class Instrumentation:
    """The spans and metrics of one client. Made by `instrument`.

    Args:
        client: the client.
        tracer_provider: makes the spans.
        meter_provider: makes the metrics.
        record_targets: whether spans tell the link or group and the day.
    """

    def __init__(
        self,
        client: Client,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        record_targets: bool,
    ) -> None:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - as above

        self._client: Client | None = client
        self._loop: asyncio.AbstractEventLoop | None = None
        self._record_targets = record_targets
        self._base_url = client.state().base_url
        self._server = _server_of(self._base_url)
        self._tracer = trace.get_tracer(_NAME, __version__, tracer_provider, schema_url=SCHEMA)
        meter = metrics.get_meter(_NAME, __version__, meter_provider, schema_url=SCHEMA)
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_DURATIONS,
        )
        self._wait = meter.create_histogram(
            "hourlyclicks.slot.wait",
            unit="s",
            description="Time for which requests wait for a slot.",
            explicit_bucket_boundaries_advisory=_WAITS,
        )
        self._days = meter.create_counter("hourlyclicks.days", unit="{day}", description="Days by result.")
        self._pauses = meter.create_counter("hourlyclicks.pauses", unit="{pause}", description="Pauses.")
        self._create_gauges(meter)
        self._subscription = client.subscribe(self._receive)

    def uninstrument(self) -> None:
        """End it; a second time does nothing."""
        self._client = None
        self._subscription.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.uninstrument()

    def _receive(self, event: Event) -> None:
        """Count an event; it is called on the event loop, in the context of the call."""
        self._loop = asyncio.get_running_loop()
        if isinstance(event, RequestDone):
            self._request_done(event)
        elif isinstance(event, DayDone):
            self._days.add(1, {"hourlyclicks.result": "final" if event.final else "provisional"})
        elif isinstance(event, DayFailed):
            self._days.add(1, {"hourlyclicks.result": "failed"})
        elif isinstance(event, Paused):
            self._pauses.add(1)

    # -- requests ---------------------------------------------------------------------------------------

    def _request_done(self, event: RequestDone) -> None:
        path = _PATHS.get(event.endpoint, event.endpoint)
        known: dict[str, str | int] = {"http.request.method": "GET", "url.template": path, **self._server}
        if event.status is not None:
            known["http.response.status_code"] = event.status
        error = _error_type(event)
        if error is not None:
            known["error.type"] = error
        lane = "none" if event.lane is None else event.lane.name.lower()
        self._duration.record(event.seconds, known)
        self._wait.record(event.waited, {"hourlyclicks.lane": lane})
        self._add_span(event, path, {**known, "hourlyclicks.lane": lane})

    def _add_span(self, event: RequestDone, path: str, known: dict[str, str | int]) -> None:
        """Make the span of a request that has ended."""
        from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415 - as above

        end = time.time_ns()
        span = self._tracer.start_span(
            f"GET {path}",
            kind=SpanKind.CLIENT,
            attributes={**known, "url.full": self._base_url + path},
            start_time=end - round(event.seconds * _NANOSECONDS),
        )
        if span.is_recording():
            self._describe(span, event)
            if "error.type" in known:
                span.set_status(StatusCode.ERROR)
        span.end(end)

    def _describe(self, span: Span, event: RequestDone) -> None:
        """Add what only this package knows."""
        span.set_attribute("hourlyclicks.days", event.days)
        span.set_attribute("hourlyclicks.waited", event.waited)
        if event.attempt > 1:
            span.set_attribute("http.request.resend_count", event.attempt - 1)
        if event.call is not None:
            span.set_attribute("hourlyclicks.call", event.call)
        if event.label is not None:
            span.set_attribute("hourlyclicks.label", event.label)
        if self._record_targets and event.target is not None:
            span.set_attribute("hourlyclicks.target", str(event.target))
            span.set_attribute("hourlyclicks.day", str(event.day))

    # -- the state at the moment of a collection ----------------------------------------------------------

    def _create_gauges(self, meter: Meter) -> None:
        from opentelemetry.metrics import Observation  # noqa: PLC0415 - as above

        def in_flight(state: ClientState) -> Iterable[Observation]:
            yield Observation(state.in_flight)

        def unsent(state: ClientState) -> Iterable[Observation]:
            yield Observation(state.interactive.unsent, {"hourlyclicks.lane": "interactive"})
            yield Observation(state.backfill.unsent, {"hourlyclicks.lane": "backfill"})

        def free(state: ClientState) -> Iterable[Observation]:
            for window in state.windows:
                yield Observation(window.free, {"hourlyclicks.seconds": window.seconds})

        for name, what, observe in (
            ("in_flight", "Requests in flight.", in_flight),
            ("unsent", "Requests that calls still have to send.", unsent),
        ):
            meter.create_observable_gauge(
                f"hourlyclicks.requests.{name}", [partial(self._observe, observe)], "{request}", what
            )
        meter.create_observable_gauge(
            "hourlyclicks.rate.free",
            [partial(self._observe, free)],
            "{request}",
            "What is left of each rate.",
        )

    def _observe(
        self, observe: Callable[[ClientState], Iterable[Observation]], _options: CallbackOptions
    ) -> Iterable[Observation]:
        state = self._state()
        return [] if state is None else list(observe(state))

    def _state(self) -> ClientState | None:
        """Return the state of the client, asked for on its event loop; ``None``: it cannot be told.

        An SDK collects in a thread of its own, and what a limiter knows may only be read between two steps
        of the loop.
        """
        client, loop = self._client, self._loop
        if client is None or loop is None or not loop.is_running():
            return None
        with suppress(RuntimeError):
            if asyncio.get_running_loop() is loop:
                return client.state()
        found: Future[ClientState] = Future()
        with suppress(RuntimeError, TimeoutError):  # the loop has ended meanwhile, or is busy
            loop.call_soon_threadsafe(lambda: found.set_result(client.state()))
            return found.result(_SCRAPE)
        return None


def _error_type(event: RequestDone) -> str | None:
    """Return the kind of an error as the conventions name it; ``None``: there was none."""
    if event.status is not None:
        return str(event.status) if event.status >= _FIRST_ERROR else None
    return "cancelled" if event.error is None else type(event.error).__qualname__


def _server_of(base_url: str) -> dict[str, str | int]:
    from yarl import URL  # noqa: PLC0415 - it is loaded with the client

    url = URL(base_url)
    return {"server.address": url.host or "", "server.port": url.port or 0}
