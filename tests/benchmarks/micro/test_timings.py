"""Timings are read from what pytest-benchmark writes."""

from __future__ import annotations

import json

import pytest

from benchmarks.micro import timings
from benchmarks.micro.timings import TimingError


def test_timings_are_of_one_operation() -> None:
    """A timing of many operations in one call is divided by their number."""
    document = {
        "benchmarks": [
            {
                "group": "merge a day",
                "extra_info": {"way": "ours", "operations": 365},
                "stats": {"median": 0.73, "min": 0.365, "rounds": 12},
            }
        ]
    }
    assert timings.read(json.dumps(document)) == [
        {"work": "merge a day", "way": "ours", "median": 0.002, "least": 0.001, "rounds": 12}
    ]


def test_a_timing_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the output of pytest."""
    monkeypatch.setattr(timings, "COMMAND", ("-c", "print('a step is broken'); raise SystemExit(1)"))
    with pytest.raises(TimingError, match="exit code 1: a step is broken"):
        timings.take(quick=True)
