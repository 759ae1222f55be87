"""Two accounts with one key: the second is refused, in whichever process it is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import UsageError
from hourlyclicks.fleet import AccountState, KeyRef
from hourlyclicks.fleet.key_owners import KeyOwners
from tests.cli.serving import ENVIRONMENT, ROOT, serving
from tests.fleet.engines.accounts import key_of
from tests.fleet.engines.holders import held
from tests.fleet.engines.one_key import KEY, run
from tests.fleet.engines.teams import until
from tests.fleet.fleets import Fleet, job, named
from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.fleet import FleetReport
    from hourlyclicks.wire.key import Secret
    from tests.store.databases import PreparedDatabases

TWIN = KeyRef.call("tests.fleet.fleets:key_of", named(0))


@pytest.fixture(params=["sqlite", "postgres"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a new store is."""
    if request.param == "sqlite":
        return str(tmp_path / "clicks.db")
    databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
    return asyncio.run(databases.new())


@pytest.mark.parametrize("where", sized(["postgres"], ["sqlite", "postgres"]), indirect=True)
def test_another_process_with_the_key_is_named(where: str) -> None:
    """The second account sends nothing while the first is held, and for a window after that."""
    limits = ((4, 1.0),)
    with serving(keys={key_of(KEY): "premium"}, limits=limits, latency=(0.005, 0.01)) as upstream:
        module, words = "tests.fleet.engines.one_key", (upstream.url, where, "acme", "400")
        with subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", module, *words], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL
        ) as first:
            until(lambda: upstream.counters.requests > 1)
            reports = [asyncio.run(run(upstream.url, where, "globex", 3))]
            assert held(where) == {first.pid: ["acme"]}
            first.terminate()
            first.wait()
        reports.append(asyncio.run(run(upstream.url, where, "globex", 3)))
        assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)
        assert not [arrival for arrival in upstream.seen if "globex" in str(arrival)]
    for report in reports:
        (account,) = report.accounts
        assert (account.state, type(account.error)) == (AccountState.FAILED, UsageError)
        assert "the accounts 'acme' and 'globex' have the same key" in str(account.error)
        assert f"process {first.pid} on " in str(account.error)


def test_of_two_that_begin_at_the_same_moment_one_is_refused() -> None:
    """And the other one is not: the transaction that takes the first lease decides."""
    fleet = Fleet(1)
    twins = [job(0), job(1, key=TWIN)]

    async def both() -> list[FleetReport]:
        return await asyncio.gather(*(fleet.one([twin]) for twin in twins))

    reports = fleet.play(both())
    (failed,) = [report for report in reports if not report.complete]
    assert "have the same key" in str(failed.accounts[0].error)
    assert fleet.upstream.counters.over_limit == 0


def test_two_that_find_the_key_unused_at_the_same_moment(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them has the account nevertheless, and the other one is told which."""
    check = KeyOwners.check

    async def both(url: str) -> list[FleetReport]:
        looked = asyncio.Barrier(2)

        async def check_together(owners: KeyOwners, name: str, key: Secret, *, window: float) -> None:
            await check(owners, name, key, window=window)
            await looked.wait()

        monkeypatch.setattr(KeyOwners, "check", check_together)
        return await asyncio.gather(*(run(url, where, name, 3) for name in ("acme", "globex")))

    with serving(keys={key_of(KEY): "premium"}, limits=((4, 1.0),), latency=(0.005, 0.01)) as upstream:
        reports = asyncio.run(both(upstream.url))
    ended = {account.name: account for report in reports for account in report.accounts}
    assert sorted(account.state for account in ended.values()) == [AccountState.COMPLETE, AccountState.FAILED]
    (error,) = [str(account.error) for account in ended.values() if account.error is not None]
    assert "have the same key" in error
    assert upstream.counters.over_limit == 0


def test_a_window_later_the_key_may_change_its_account() -> None:
    """As when an account was renamed."""
    fleet = Fleet(1)
    renamed = job(1, key=TWIN)
    assert fleet.run().complete
    assert not fleet.run([renamed]).complete
    fleet.play(fleet.clock.sleep(120))
    assert fleet.run([renamed]).complete
    assert fleet.upstream.counters.over_limit == 0
