"""What it takes to know what to ask: the days of a range, and a request for each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from benchmarks.instant import YEAR, link
from benchmarks.peers.slices import DOMAIN, KEY, LINK
from benchmarks.timings import label
from hourlyclicks import DateRange
from hourlyclicks.wire.endpoints import CLICKS_BY_HOUR
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.request import Origin

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from hourlyclicks.model.http import Request

BASE = "https://api.example"
PATH = "/api/statistics/v2/clicks-by-hour"


@pytest.mark.benchmark(group="list a day of a range")
def test_days_by_a_range(benchmark: BenchmarkFixture) -> None:
    """Check two ends, and list what lies between."""
    label(benchmark, "ours: DateRange", operations=len(YEAR))
    days = benchmark(lambda: list(DateRange(YEAR.start, YEAR.end)))
    assert days[-1] == YEAR.end


@pytest.mark.benchmark(group="list a day of a range")
def test_days_by_arithmetic(benchmark: BenchmarkFixture) -> None:
    """Add one timedelta after the other to the first day."""
    label(benchmark, "date + timedelta", operations=len(YEAR))
    days = benchmark(lambda: [YEAR.start + dt.timedelta(days=place) for place in range(len(YEAR))])
    assert days[-1] == YEAR.end


@pytest.mark.benchmark(group="build a request")
def test_requests_of_ours(benchmark: BenchmarkFixture) -> None:
    """Put a day between what stays the same."""
    label(benchmark, "ours: build_request", operations=len(YEAR))
    origin = Origin.of(BASE, ApiKey(KEY))
    questions = list(CLICKS_BY_HOUR.split(YEAR, link()))

    def build() -> list[Request]:
        return [CLICKS_BY_HOUR.build(question, origin) for question in questions]

    assert benchmark(build)[0].url.query["ymd"] == YEAR.start.isoformat()


@pytest.mark.benchmark(group="build a request")
def test_requests_of_yarl(benchmark: BenchmarkFixture) -> None:
    """Let yarl quote the parameters of each."""
    label(benchmark, "yarl: with_query", operations=len(YEAR))
    address = URL(BASE + PATH)

    def build() -> list[URL]:
        return [address.with_query(ymd=day.isoformat(), linkId=LINK, domain=DOMAIN) for day in YEAR]

    assert benchmark(build)[0].query["ymd"] == YEAR.start.isoformat()
