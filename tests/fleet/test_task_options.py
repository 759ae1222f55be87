"""Options that tasks carry, and the share of a rate that each process keeps."""

from __future__ import annotations

import inspect
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import Rate, UsageError
from hourlyclicks.fleet import run_jobs
from hourlyclicks.fleet.task_options import TaskOptions, check_options, share_of


@given(st.integers(1, 10_000), st.floats(0.1, 3600), st.integers(1, 1000))
def test_all_shares_together_keep_the_rate(requests: int, seconds: float, parts: int) -> None:
    """However many processes there are, and even if there are more of them than requests."""
    share = share_of(Rate(requests, seconds), parts)
    assert share is not None
    together, whole = parts * share.requests / share.seconds, requests / seconds
    assert together < whole or isclose(together, whole)
    assert share.requests * parts <= requests or share.requests == 1


def test_without_a_rate_there_is_no_share() -> None:
    """A rate as text is one, too."""
    assert share_of(None, 4) is None
    assert share_of("500/1", 4) == Rate(125, 1.0)


def test_every_option_is_one_of_run_jobs() -> None:
    """What a task carries is passed on under the same name."""
    assert TaskOptions.__annotations__.keys() <= inspect.signature(run_jobs).parameters.keys()


def test_what_belongs_to_a_process_is_no_option() -> None:
    """The error names it."""
    check_options({"base_url": "https://example.com", "limits": None})
    for name in ("session", "transport", "clock", "random", "unknown"):
        with pytest.raises(UsageError, match=name):
            check_options({name: None})
