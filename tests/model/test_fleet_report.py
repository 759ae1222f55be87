"""The report about many accounts: sums, states, several of them in one, and as text and JSON."""

from __future__ import annotations

import json
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import AuthenticationError, BackfillReport, StopReason
from hourlyclicks.model.fleet_report import AccountReport, AccountState, FleetReport

COUNTS = ("done", "reused", "failed", "refused", "remaining")


def backfill(**counts: int) -> BackfillReport:
    """Return the report of a backfill."""
    days = dict.fromkeys(COUNTS, 0) | {name: counts.get(name, 0) for name in COUNTS}
    more = {"revised": 0, "provisional": 0, "requests": sum(days.values()), "retries": 1, "rate_limited": 3}
    given = {**days, **more, "seconds": 1.0, "stopped": StopReason.COMPLETE, "resume_at": None}
    arguments: dict[str, Any] = {"total": sum(days.values())} | given
    return BackfillReport(**arguments)


def account(name: str, state: AccountState = AccountState.COMPLETE, **counts: int) -> AccountReport:
    """Return the report of an account."""
    return AccountReport(name=name, state=state, report=backfill(**counts))


def fleet(*accounts: AccountReport, **changes: Any) -> FleetReport:  # noqa: ANN401 - arguments of a report
    """Return a report of these accounts."""
    return FleetReport(accounts=accounts, **({"seconds": 2.0} | changes))


REJECTED = AccountReport(
    name="umbrella",
    state=AccountState.FAILED,
    error=AuthenticationError("HTTP 401: the server does not accept the API key", status=401),
)


def test_the_totals_are_those_of_the_accounts() -> None:
    """Accounts that sent nothing count as none."""
    report = fleet(account("a", done=3, reused=1), account("b", failed=2, remaining=5), REJECTED)
    assert (report.total, report.done, report.reused, report.failed) == (11, 3, 1, 2)
    assert (report.remaining, report.refused, report.requests, report.retries) == (5, 0, 11, 2)
    assert (report.revised, report.provisional, report.rate_limited) == (0, 0, 6)


def test_a_report_is_complete_with_all_its_accounts() -> None:
    """And if all jobs were read."""
    assert fleet().complete
    assert fleet(account("a")).complete
    assert not fleet(account("a"), listed=False).complete
    report = fleet(account("a"), REJECTED, account("b", AccountState.HELD))
    assert not report.complete
    assert [each.name for each in report.incomplete_accounts] == ["umbrella", "b"]
    assert report.states == {AccountState.COMPLETE: 1, AccountState.FAILED: 1, AccountState.HELD: 1}


def test_a_report_in_words() -> None:
    """It names the first accounts that are not complete, and why."""
    report = fleet(
        account("a", done=1200),
        account("b", AccountState.INCOMPLETE, failed=2, remaining=1000),
        AccountReport(name="c", state=AccountState.UNSTARTED),
        *[REJECTED] * 12,
    )
    lines = str(report).splitlines()
    assert lines[:5] == [
        "15 accounts: 1 complete, 1 incomplete, 12 failed, 1 unstarted",
        "2,202 days: 1,200 fetched, 0 in the store, 2 failed, 0 rejected, 1,000 not requested",
        "  b: incomplete, 2 days failed, 1,000 not requested",
        "  c: unstarted",
        "  umbrella: HTTP 401: the server does not accept the API key",
    ]
    assert lines[-1] == "  and 4 more"
    assert len(lines) == 13
    assert str(fleet()).startswith("0 accounts: none")
    assert "AccountReport" not in repr(report)


def test_a_report_as_json() -> None:
    """Each account is in it, and its error with class, message, code and status."""
    report = fleet(account("a", done=2), REJECTED, stopped=StopReason.DEADLINE)
    values = json.loads(json.dumps(report.as_dict()))
    assert (values["complete"], values["stopped"], values["done"], values["total"]) == (
        False,
        "deadline",
        2,
        2,
    )
    assert values["states"] == {"complete": 1, "failed": 1}
    first, second = values["accounts"]
    assert (first["name"], first["state"], first["error"]) == ("a", "complete", None)
    assert first["report"]["done"] == 2
    assert second["report"] is None
    assert second["error"]["error"] == "AuthenticationError"
    assert second["error"]["status"] == 401


def test_merging_takes_the_best_result_of_an_account() -> None:
    """A shard that ran twice counts once; with equal results, the last one."""
    first = fleet(account("a", AccountState.HELD), account("b", done=1), REJECTED, seconds=5.0)
    second = fleet(account("b", reused=1), account("a", done=4), account("c", done=2))
    merged = FleetReport.merged([first, second])
    assert [(each.name, each.state.value) for each in merged.accounts] == [
        ("a", "complete"),
        ("b", "complete"),
        ("umbrella", "failed"),
        ("c", "complete"),
    ]
    assert (merged.seconds, merged.done, merged.reused) == (5.0, 6, 1)
    assert FleetReport.merged([]) == fleet(seconds=0.0)


def test_merging_keeps_why_a_run_ended() -> None:
    """An error counts before a deadline, and a list that was not read to its end is not."""
    late, broken = fleet(stopped=StopReason.DEADLINE), fleet(stopped=StopReason.ERROR, listed=False)
    assert FleetReport.merged([fleet(), late]).stopped is StopReason.DEADLINE
    merged = FleetReport.merged([late, broken, fleet()])
    assert (merged.stopped, merged.listed) == (StopReason.ERROR, False)


STATES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(AccountState)), max_size=8)


@given(st.lists(STATES, max_size=4))
def test_merging_in_steps_is_merging_at_once(shards: list[list[tuple[str, AccountState]]]) -> None:
    """Each account is in the result once, in its best state, and the order of steps does not matter."""
    reports = [fleet(*(account(name, state) for name, state in shard)) for shard in shards]
    merged = FleetReport.merged(reports)
    order = list(AccountState)
    best: dict[str, AccountState] = {}
    for shard in shards:
        for name, state in shard:
            best[name] = min(best.get(name, state), state, key=order.index)
    assert {each.name: each.state for each in merged.accounts} == best
    halves = [FleetReport.merged(reports[:2]), FleetReport.merged(reports[2:])]
    assert {each.name: each.state for each in FleetReport.merged(halves).accounts} == best


def test_a_report_travels() -> None:
    """It can be pickled, errors included."""
    report = fleet(account("a", done=2), REJECTED)
    copied = pickle.loads(pickle.dumps(report))  # noqa: S301 - ours
    assert copied.as_dict() == report.as_dict()
    assert isinstance(copied.accounts[1].error, AuthenticationError)
