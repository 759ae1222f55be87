"""Jobs as values of JSON, in the table of a queue."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import Account, Group, Limits, Link, Plan, Rate, UsageError
from hourlyclicks.fleet import AccountJob, KeyRef
from hourlyclicks.fleet.job_values import as_values, from_values

WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
KEYS = st.one_of(
    st.just(KeyRef.env("ACME_KEY")),
    WORDS.map(lambda word: KeyRef.file(f"/run/secrets/{word}")),
    st.lists(WORDS | st.integers(), max_size=3).map(lambda args: KeyRef.call("shop.secrets:key_of", *args)),
)
TARGETS = st.one_of(
    st.just(Account()),
    st.integers(0, 10**9).map(Group),
    WORDS.map(lambda word: Link(word, "https://vvd.bz")),
)
DAYS = st.dates()
LIMITS = st.builds(
    Limits,
    st.lists(st.builds(Rate, st.integers(1, 1000), st.floats(0.1, 3600.0)), max_size=3),
    st.integers(1, 9),
    st.floats(0, 9),
    st.sampled_from(["window", "even"]),
)
BOUNDS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    DAYS.map(lambda day: {"start": day}),
    st.tuples(DAYS, DAYS).map(lambda days: {"start": min(days), "end": max(days)}),
)
RATES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.sampled_from(Plan).map(lambda plan: {"plan": plan}),
    LIMITS.map(lambda found: {"limits": found}),
)


@st.composite
def jobs(draw: st.DrawFn) -> AccountJob:
    """Draw a job."""
    return AccountJob(
        draw(WORDS),
        key=draw(KEYS),
        targets=draw(st.lists(TARGETS | st.tuples(TARGETS, DAYS), min_size=1, max_size=4)),
        timezone=draw(st.sampled_from([None, "Asia/Seoul"])),
        **draw(BOUNDS),
        **draw(RATES),
    )


@given(jobs())
def test_a_job_comes_back_from_json(job: AccountJob) -> None:
    """Whatever a job has, it has again, after a way through text."""
    assert from_values(json.loads(json.dumps(as_values(job)))) == job


def test_what_a_job_leaves_open_is_left_out() -> None:
    """The table of a queue has what was said, and the defaults are those of the version that reads it."""
    job = AccountJob("acme", key=KeyRef.env("ACME_KEY"), targets=[Link("kYdr", "https://vvd.bz")])
    assert as_values(job) == {
        "name": "acme",
        "key": ["env", "ACME_KEY"],
        "targets": ["https://vvd.bz/kYdr"],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"key": "canary-7d1f"},
        {"key": ["clear", "canary-7d1f"]},
        {"key": []},
        {"targets": None},
        {"targets": [["https://vvd.bz/kYdr"]]},
        {"plan": "canary-7d1f"},
        {"limits": {"rates": [[1]]}},
        {"limits": ["canary-7d1f"]},
        {"unknown": "canary-7d1f"},
    ],
    ids=str,
)
def test_other_values_are_an_error_that_repeats_none_of_them(change: dict[str, Any]) -> None:
    """They may hold a key in clear, put there by hand."""
    values = {"name": "acme", "key": ["env", "ACME_KEY"], "targets": ["https://vvd.bz/kYdr"]} | change
    with pytest.raises(UsageError) as caught:
        from_values(values)
    assert "canary" not in str(caught.value)
