"""Spans and metrics for OpenTelemetry, as the exporters of its SDK receive them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from yarl import URL

from hourlyclicks import Client, HourlyClicksError, Lane, Limits, Plan, Rate, RetryPolicy, UsageError
from hourlyclicks.otel import _PATHS, instrument
from hourlyclicks.simulator import Close, Late, Rule, Script, Simulator, Status, retry_after
from hourlyclicks.wire.endpoints import ENDPOINTS
from tests.client.stories import END, KEY, LINK, START, free, simulate
from tests.forkserver.starting import forked_python

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan

    from hourlyclicks.simulator import VirtualClock

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)
from opentelemetry.trace import SpanKind, StatusCode

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "metrics.md"
BY_HOUR = "/api/statistics/v2/clicks-by-hour"


@attrs.define
class Telemetry:
    """Providers of the SDK that keep everything in memory."""

    spans_in_memory: InMemorySpanExporter = attrs.field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = attrs.field(factory=InMemoryMetricReader)
    tracers: TracerProvider = attrs.field(factory=TracerProvider)
    meters: MeterProvider = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans_in_memory))
        self.meters = MeterProvider([self.reader])

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `instrument`."""
        return {"tracer_provider": self.tracers, "meter_provider": self.meters}

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended."""
        return list(self.spans_in_memory.get_finished_spans())

    def metrics(self) -> dict[str, list[Any]]:
        """Return the data points of each metric."""
        data = self.reader.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def text(self) -> str:
        """Return all that was exported."""
        data = self.reader.get_metrics_data()
        return "".join(str(span.to_json()) for span in self.spans) + ("" if data is None else data.to_json())


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


async def test_a_span_follows_the_conventions() -> None:
    """A request is a client span with the required attributes, within the span of the call, as it was."""
    telemetry = Telemetry()
    upstream = Simulator(limits=(), concurrency=0, faults=Script(Rule(Late(0.05))))
    async with upstream:
        url = upstream.url
        client = Client(upstream.key, base_url=url, limits=Limits())
        async with client:
            instrument(client, **telemetry.options)
            with telemetry.tracers.get_tracer("of the application").start_as_current_span("page"):
                await client.day(START, LINK, label="page 1")
    span, page = telemetry.spans
    assert page.name == "page"
    assert span.parent is not None
    assert page.context is not None
    assert span.parent.span_id == page.context.span_id
    assert (span.name, span.kind) == (f"GET {BY_HOUR}", SpanKind.CLIENT)
    assert span.status.status_code is StatusCode.UNSET
    found = dict(attributes(span))
    assert found.pop("hourlyclicks.waited") == 0
    assert found.pop("hourlyclicks.call") > 0
    assert found == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "hourlyclicks.days": 1,
        "hourlyclicks.label": "page 1",
        "hourlyclicks.lane": "interactive",
        "server.address": "127.0.0.1",
        "server.port": URL(url).port,
        "url.full": f"{url}{BY_HOUR}",
        "url.template": BY_HOUR,
    }
    assert span.start_time is not None
    assert span.end_time is not None
    assert page.start_time is not None
    assert page.end_time is not None
    assert page.start_time <= span.start_time < span.end_time <= page.end_time
    assert 0.05 <= (span.end_time - span.start_time) / 1e9 < 30


def test_the_names_are_those_of_the_conventions() -> None:
    """The attributes of HTTP, and the histogram, have the names in the package of the conventions."""
    pytest.importorskip("opentelemetry.semconv.attributes")
    from opentelemetry.semconv.attributes import (  # noqa: PLC0415 - optional
        error_attributes,
        http_attributes,
        server_attributes,
        url_attributes,
    )
    from opentelemetry.semconv.metrics import http_metrics  # noqa: PLC0415 - optional

    text = PAGE.read_text("utf-8")
    for name in (
        http_attributes.HTTP_REQUEST_METHOD,
        http_attributes.HTTP_REQUEST_RESEND_COUNT,
        http_attributes.HTTP_RESPONSE_STATUS_CODE,
        server_attributes.SERVER_ADDRESS,
        server_attributes.SERVER_PORT,
        url_attributes.URL_FULL,
        error_attributes.ERROR_TYPE,
        http_metrics.HTTP_CLIENT_REQUEST_DURATION,
    ):
        assert f"`{name}`" in text


def test_requests_that_fail() -> None:
    """A failed request has its kind of error, and each repeated one tells how many went before."""
    telemetry = Telemetry()
    faults = Script(
        Rule(retry_after("1"), number={1}), Rule(Status(503), number={2}), Rule(Close(), number={3})
    )

    async def main(client: Client, _: VirtualClock) -> None:
        instrument(client, **telemetry.options)
        await client.day(START, LINK)

    upstream = free(faults=faults)
    simulate(upstream, main, retry=RetryPolicy(base=0.1))
    found = [attributes(span) for span in telemetry.spans]
    assert [each.get("error.type") for each in found] == ["429", "503", "TransportError", None]
    assert [each.get("http.response.status_code") for each in found] == [429, 503, None, 200]
    assert [each.get("http.request.resend_count") for each in found] == [None, 1, 2, 3]
    codes = [span.status.status_code for span in telemetry.spans]
    assert codes == [StatusCode.ERROR] * 3 + [StatusCode.UNSET]
    metrics = telemetry.metrics()
    assert sum(point.count for point in metrics["http.client.request.duration"]) == upstream.counters.requests
    assert [point.value for point in metrics["hourlyclicks.pauses"]] == [1]


def test_metrics_count_what_the_server_counts() -> None:
    """The histogram counts the requests of the server, the counters days, and the gauges tell the state."""
    telemetry = Telemetry()
    found: dict[str, list[Any]] = {}

    async def main(client: Client, clock: VirtualClock) -> None:
        instrument(client, **telemetry.options)
        fetch = asyncio.create_task(client.fetch(START, END, LINK, lane=Lane.BACKFILL))
        await clock.sleep(30)
        found.update(telemetry.metrics())
        await fetch

    upstream = free()
    simulate(upstream, main, limits=Limits((Rate(20, 60.0),), concurrency=2))
    (duration,) = found["http.client.request.duration"]
    assert duration.count == 20
    assert duration.explicit_bounds[:2] == (0.005, 0.01)
    assert dict(duration.attributes) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "vivoldi.com",
        "server.port": 443,
        "url.template": BY_HOUR,
    }
    (days,) = found["hourlyclicks.days"]
    assert (days.value, dict(days.attributes)) == (20, {"hourlyclicks.result": "final"})
    unsent = {
        point.attributes["hourlyclicks.lane"]: point.value for point in found["hourlyclicks.requests.unsent"]
    }
    assert unsent == {"interactive": 0, "backfill": 11}
    assert [point.value for point in found["hourlyclicks.requests.in_flight"]] == [0]
    (rate,) = found["hourlyclicks.rate.free"]
    assert (rate.value, rate.attributes["hourlyclicks.seconds"]) == (0, 60.0)
    (wait,) = telemetry.metrics()["hourlyclicks.slot.wait"]
    assert wait.count == upstream.counters.requests == 31
    assert wait.sum > 60


@pytest.mark.parametrize("record_targets", [False, True])
def test_neither_key_nor_link(*, record_targets: bool) -> None:
    """The key is nowhere, and the link only where that was asked for, and never in a metric."""
    telemetry = Telemetry()

    async def main(client: Client, _: VirtualClock) -> None:
        instrument(client, **telemetry.options, record_targets=record_targets)
        with pytest.raises(HourlyClicksError):
            await client.fetch(START, END, LINK)
        await client.fetch(START, END, LINK, strict=False)

    simulate(free(faults=Script(Rule(Status(500), times=3))), main, retry=RetryPolicy(attempts=1))
    text = telemetry.text()
    assert KEY not in text
    assert (LINK.id in text) == record_targets
    assert all(("hourlyclicks.target" in attributes(span)) == record_targets for span in telemetry.spans)
    assert LINK.id not in json.dumps(str(telemetry.metrics()))


def test_it_ends() -> None:
    """After `uninstrument`, nothing is recorded any more."""
    telemetry = Telemetry()

    async def main(client: Client, _: VirtualClock) -> None:
        with instrument(client, **telemetry.options) as instrumentation:
            await client.day(START, LINK)
        instrumentation.uninstrument()
        await client.day("2024-03-02", LINK)
        assert "hourlyclicks.rate.free" not in telemetry.metrics()

    simulate(free(), main, limits=Limits((Rate(9, 60.0),)))
    assert len(telemetry.spans) == 1


async def test_metrics_that_another_thread_collects() -> None:
    """A collection in a thread is told the state by the event loop; after its end it waits for nothing."""
    telemetry = Telemetry()
    async with (
        Simulator(limits=(), concurrency=0) as upstream,
        Client(upstream.key, base_url=upstream.url, plan=Plan.PREMIUM) as client,
    ):
        instrument(client, **telemetry.options)
        for free in (15, 14):  # also before the first request
            found = await asyncio.to_thread(telemetry.metrics)
            assert [point.value for point in found["hourlyclicks.rate.free"]] == [free]
            await client.day(START, LINK)


def test_the_paths_are_those_of_the_requests() -> None:
    """Each endpoint is named by the path that its requests have."""
    assert {name for name in ENDPOINTS if name in _PATHS} == set(ENDPOINTS)


def test_without_an_sdk_nothing_happens() -> None:
    """With the API alone, a client can be instrumented; without it, an error names the extra."""
    client = Client(KEY)
    with instrument(client):
        pass
    script = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from hourlyclicks import Client, UsageError\n"
        "from hourlyclicks.otel import instrument\n"
        "try: instrument(Client('0123456789abcdef'))\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run([*forked_python(), "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout == "this needs opentelemetry: pip install 'hourlyclicks[otel]'\n"
    assert issubclass(UsageError, HourlyClicksError)
