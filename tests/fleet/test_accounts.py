"""Jobs: plain values that travel, checked when they are made."""

from __future__ import annotations

import datetime as dt
import pickle
import traceback
from typing import Any

import pytest

from hourlyclicks import Group, Limits, Link, Plan, Rate, UsageError
from hourlyclicks.fleet import AccountJob, KeyRef

LINK = Link("kYdr", "https://vvd.bz")
KEY = KeyRef.env("ACME_KEY")
CANARY = "canary-7d/1f+e0=9&ab<31>c5"


def job(**changes: Any) -> AccountJob:  # noqa: ANN401 - arguments of a job
    """Return a job."""
    arguments: dict[str, Any] = {"name": "acme", "key": KEY, "targets": [LINK]}
    return AccountJob(**(arguments | changes))


def test_a_job_travels() -> None:
    """It can be pickled, and a thousand of them are small."""
    limits = Limits(rates=(Rate(24, 60.0),), concurrency=2)
    jobs = [
        job(plan=Plan.BUSINESS, start="2025-01-01", end=dt.date(2025, 12, 31), timezone="Asia/Seoul"),
        job(limits=limits, targets=[(LINK, "2025-03-01"), Group(7)]),
    ]
    assert pickle.loads(pickle.dumps(jobs)) == jobs  # noqa: S301 - ours
    assert len(pickle.dumps([job(name=f"a{number}") for number in range(1000)])) < 120_000


def test_a_job_has_its_targets_and_their_first_days() -> None:
    """Targets come as for a backfill, each once."""
    found = job(targets=iter([LINK, (Group(7), "2025-03-01"), LINK]), start="2025-01-01")
    assert found.targets == (LINK, Group(7))
    assert found.since == {Group(7): dt.date(2025, 3, 1)}
    assert (found.start, found.end) == (dt.date(2025, 1, 1), None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "name is empty"),
        ({"name": "x" * 65}, "name must be 1 to 64 printable characters"),
        ({"targets": LINK}, "targets are several"),
        ({"targets": ["kYdr"]}, "a target is an Account, a Link or a Group"),
        ({"start": "yesterday"}, "a day is written YYYY-MM-DD"),
        ({"start": "2025-02-01", "end": "2025-01-01"}, "2025-0"),
        ({"end": "2025-01-01"}, "has a last day, and no first day"),
        ({"plan": "premium"}, "plan must be of type Plan"),
        ({"limits": 24}, "limits must be of type Limits"),
        ({"plan": Plan.PREMIUM, "limits": Limits()}, "give a plan or limits, not both"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"timezone": dt.UTC}, "timezone must be of type str"),
    ],
    ids=str,
)
def test_what_is_no_job(changes: dict[str, Any], said: str) -> None:
    """A mistake is found when the job is made."""
    with pytest.raises(UsageError) as caught:
        job(**changes)
    assert said in str(caught.value)


def test_a_plan_is_not_judged_here() -> None:
    """A plan without access must not keep the list of all accounts from being made."""
    assert job(plan=Plan.FREE).plan is Plan.FREE


def test_a_key_in_clear_is_refused() -> None:
    """The error shows nothing of it, not even with the variables of its traceback."""
    with pytest.raises(UsageError, match="never the key itself") as caught:
        job(key=CANARY)
    stack = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in stack.stack if "hourlyclicks/fleet" in frame.filename]
    assert ours
    assert CANARY not in str([frame.locals for frame in ours])
    assert CANARY not in str(caught.value)


def test_a_job_shows_the_reference() -> None:
    """Its repr has the reference to the key."""
    assert repr(job(plan=Plan.PREMIUM, start="2025-01-01")) == (
        "AccountJob('acme', key=KeyRef.env('ACME_KEY'), plan=Plan.PREMIUM,"
        " targets=(Link(id='kYdr', domain='https://vvd.bz'),), start='2025-01-01', end=None, timezone=None)"
    )
    assert "limits=Limits(" in repr(job(limits=Limits()))
