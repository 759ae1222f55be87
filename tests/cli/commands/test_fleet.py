"""``hourlyclicks fleet``, end to end over a socket."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Link
from hourlyclicks.coordination.account_lease import AccountLease
from hourlyclicks.coordination.leases import Leases
from hourlyclicks.fleet import KeyRef, run_jobs
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.simulator import Envelope, Rule, Script, Status
from hourlyclicks.store.sqlite import SqliteStore
from tests.cli.serving import ENVIRONMENT, PATIENCE, Stopper, invoke, serving, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from hourlyclicks.fleet import AccountJob, FleetReport
    from hourlyclicks.simulator import Simulator
    from hourlyclicks.store.leases import StoredLease

BZ = "https://vvd.bz"
WEEK = ("--from", "2025-04-01", "--to", "2025-04-07")
FAST = ("--limit", "10000/0.1", "--concurrency", "2")
KEYS = {f"KEY_{number}": f"canary-key-{number}-31415926" for number in range(4)}


@pytest.fixture
def server() -> Iterator[Simulator]:
    """A simulator that knows four keys."""
    with serving(keys=dict.fromkeys(KEYS.values(), "business")) as simulator:
        yield simulator


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with four accounts, each with its link, whose keys are in the environment."""
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    path = tmp_path / "accounts.toml"
    tables = [
        f'[[account]]\nname = "customer {number}"\nkey-env = "KEY_{number}"\nlinks = ["link{number}"]\n'
        for number in range(4)
    ]
    path.write_text(f'domain = "{BZ}"\n' + "\n".join(tables), "utf-8")
    return path


def run(server: Simulator, accounts: Path, *words: str) -> Result:
    """Run the accounts of the file, in a store beside it."""
    store = str(accounts.with_name("clicks.db"))
    known = ("--accounts", str(accounts), "--store", store, "--base-url", server.url)
    return invoke("fleet", "run", *known, *FAST, *words)


def test_all_accounts_are_fetched(server: Simulator, accounts: Path) -> None:
    """A second run requests nothing; stdout is empty."""
    result = run(server, accounts, *WEEK)
    assert (result.exit_code, result.stdout) == (0, "")
    assert server.counters.requests == 28
    lines = result.stderr.splitlines()
    assert lines[0] == "4 accounts, 2025-04-01..2025-04-07"
    assert lines[-5].startswith("Done in ")
    assert lines[-5].endswith(": every account is complete.")
    assert lines[-4:] == [
        "  accounts   4: 4 complete",
        "  fetched    28 days",
        "  known      0 days, already in the store",
        "  requests   28, 0 retries among them",
    ]
    assert run(server, accounts, *WEEK).exit_code == 0
    assert server.counters.requests == 28


def test_days_are_shown_if_all_accounts_have_them(server: Simulator, accounts: Path) -> None:
    """An account with days of its own in the file is not told to have those of the command."""
    with accounts.open("a", encoding="utf-8") as file:
        file.write("start = 2025-04-01\nend = 2025-04-03\n")
    assert run(server, accounts, *WEEK).stderr.splitlines()[0] == "4 accounts"
    assert server.counters.requests == 3 * 7 + 3


def test_an_account_that_fails_ends_alone(
    server: Simulator, accounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others complete; the report names it, and the printed command goes on."""
    monkeypatch.setenv("KEY_1", "wrong-key-27182818")
    monkeypatch.delenv("KEY_3")
    result = run(server, accounts, *WEEK)
    assert result.exit_code == 10
    *_, title, again, error = result.stderr.splitlines()
    assert error == "Error: 2 of 4 accounts complete; not complete: customer 1, customer 3"
    assert "customer 3: the environment variable KEY_3 is not set\n" in result.stderr
    assert "customer 1: HTTP 401: " in result.stderr
    assert title == "To go on:"
    assert shlex.split(again)[:3] == ["hourlyclicks", "fleet", "run"]
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    assert invoke(*shlex.split(again)[1:]).exit_code == 0
    assert {number for (_, _), number in server.counters.asked.items()} <= {1, 2}


def test_a_link_that_is_rejected_and_a_key_that_is_revoked(server: Simulator, accounts: Path) -> None:
    """Both accounts are named with the reason; the exit code is 10."""
    server.faults = Script(
        Rule(Envelope({"code": 404, "message": "no such link"}), target=Link("link0", BZ)),
        Rule(Status(401), target=Link("link2", BZ), number=range(8, 10_000)),
    )
    result = run(server, accounts, *WEEK)
    assert result.exit_code == 10
    assert "customer 0: incomplete, " in result.stderr
    assert "no such link" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: 2 of 4 accounts complete; not complete:")


def test_the_report_as_json(server: Simulator, accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the only thing on stdout, and written also when accounts fail."""
    monkeypatch.setenv("KEY_1", "")
    result = run(server, accounts, *WEEK, "--json", "--quiet")
    assert result.exit_code == 10
    values = json.loads(result.stdout)
    assert values["states"] == {"complete": 3, "failed": 1}
    assert [each["name"] for each in values["accounts"]] == [f"customer {number}" for number in range(4)]
    assert values["done"] == 21
    assert result.stderr.splitlines() == ["Error: 3 of 4 accounts complete; not complete: customer 1"]


def test_no_key_is_shown(server: Simulator, accounts: Path) -> None:
    """Neither in the output, nor in the store."""
    server.faults = Script(
        Rule(Status(403, body=f"bad key {KEYS['KEY_1']}".encode()), target=Link("link1", BZ))
    )
    shown = [run(server, accounts, *WEEK, "--json").output, run(server, accounts, *WEEK).output]
    shown.append(invoke("fleet", "status", "--store", str(accounts.with_name("clicks.db")), "--json").output)
    stored = accounts.with_name("clicks.db").read_bytes()
    for key in KEYS.values():
        assert key not in "".join(shown)
        assert key.encode() not in stored


def test_without_days_accounts_are_brought_up_to_date(server: Simulator, accounts: Path) -> None:
    """From a first gap, or for a year."""
    result = run(server, accounts, "--deadline", "0s")
    assert result.exit_code == 10
    assert result.stderr.startswith("4 accounts\n")
    assert "the deadline was reached" in result.stderr
    assert server.counters.requests == 0


def test_the_file_is_read_before_anything_else(server: Simulator, accounts: Path) -> None:
    """A mistake in it ends the command; no store is made."""
    accounts.write_text(accounts.read_text("utf-8") + 'key = "canary-key-1-31415926"\n', "utf-8")
    result = run(server, accounts, *WEEK)
    assert result.exit_code == 2
    assert f"{accounts}:17: account 'customer 3': key would hold an API key in clear" in result.stderr
    assert "31415926" not in result.output
    assert not accounts.with_name("clicks.db").exists()


def test_days_that_have_not_begun_are_a_mistake_of_the_command_line(
    server: Simulator, accounts: Path
) -> None:
    """They are not the failure of each account, which a later run could make good."""
    result = run(server, accounts, "--from", "2025-04-01", "--to", "2099-04-01")
    assert (result.exit_code, "2099-04-01 has not begun" in result.stderr) == (2, True)
    assert server.counters.requests == 0
    assert not accounts.with_name("clicks.db").exists()


def test_a_store_that_cannot_be_used(server: Simulator, accounts: Path) -> None:
    """It ends the run with its exit code."""
    accounts.with_name("clicks.db").write_text("no database", "utf-8")
    result = run(server, accounts, *WEEK)
    assert result.exit_code == 12
    assert server.counters.requests == 0


@pytest.mark.parametrize("words", [("--rate", "5"), ("--at-once", "0"), ("--deadline", "soon"), ()])
def test_mistakes(server: Simulator, words: tuple[str, ...]) -> None:
    """The command line is checked by itself."""
    assert invoke("fleet", "run", "--base-url", server.url, *words).exit_code == 2


def test_the_rate_of_all_accounts(server: Simulator, accounts: Path) -> None:
    """It may be so high that nothing waits."""
    assert run(server, accounts, *WEEK, "--rate", "1000/1", "--at-once", "2").exit_code == 0


def test_the_accounts_of_a_store(server: Simulator, accounts: Path) -> None:
    """Names come from the file; an account that is not in the store yet is shown, too."""
    assert run(server, accounts, *WEEK).exit_code == 0
    text = accounts.read_text("utf-8") + '[[account]]\nname = "new"\nkey-env = "NEW"\naccount = true\n'
    accounts.write_text(text, "utf-8")
    store = ("--store", str(accounts.with_name("clicks.db")))
    result = invoke("fleet", "status", *store, "--accounts", str(accounts))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "account     targets      days    again   failed  complete to  held by",
        *[f"customer {number}        1         7        0        0  2025-04-07" for number in range(4)],
        "new         not in the store yet",
        "5 accounts, 0 held; 28 days, 0 to request again",
    ]
    values = json.loads(invoke("fleet", "status", *store, "--json").stdout)
    assert [each["known"] for each in values] == [7, 7, 7, 7]
    assert all(each["fingerprint"].startswith(each["name"]) for each in values)


def test_the_group_has_its_help() -> None:
    """It lists its commands."""
    result = invoke("fleet", "--help")
    assert result.exit_code == 0
    assert "fetch the days of all accounts" in result.stdout.lower()
    assert invoke("fleet", "conquer").exit_code == 2


@pytest.mark.skipif(os.name != "posix", reason="signals are different there")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_accounts(accounts: Path, sent: signal.Signals) -> None:
    """What is in flight is saved; the exit code is 130, and the printed command goes on."""
    stopper = Stopper(6, Status(503))
    keys = dict.fromkeys(KEYS.values(), "business")
    with serving(keys=keys, faults=stopper, latency=(0.02, 0.02)) as server:
        words = ("--accounts", str(accounts), "--store", str(accounts.with_name("clicks.db")), *FAST, *WEEK)
        environment = ENVIRONMENT | KEYS
        with start("fleet", "run", *words, "--base-url", server.url, env=environment) as process:
            assert stopper.reached.wait(PATIENCE)
            process.send_signal(sent)
            _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert "stopping: no more requests are sent" in err
        assert "To go on:\n" in err
        assert err.splitlines()[-1].startswith("Error: interrupted; ")
        server.faults = None
        assert run(server, accounts, *WEEK).exit_code == 0


def held(path: Path, name: str) -> StoredLease | AccountLease:
    """Take the lease of an account, and keep it without renewing it."""

    async def take() -> StoredLease | AccountLease:
        async with SqliteStore(path) as store:
            return await Leases(store).take(partial(fingerprint_of, name), name)

    return asyncio.run(take())


def test_an_account_that_a_process_holds(server: Simulator, accounts: Path) -> None:
    """It is shown with its name and its holder, also without the file; it can be taken away."""
    path = accounts.with_name("clicks.db")
    store = ("--store", str(path))
    assert run(server, accounts, *WEEK).exit_code == 0
    lease = held(path, "customer 2")
    assert isinstance(lease, AccountLease)
    shown = invoke("fleet", "status", *store).stdout.splitlines()
    assert len([line for line in shown if f"process {os.getpid()} on " in line]) == 1
    assert shown[3].startswith("customer 2  ")
    assert ", lease " in shown[3]
    assert shown[-1] == "4 accounts, 1 held; 28 days, 0 to request again"
    (holder,) = [
        each["holder"]
        for each in json.loads(invoke("fleet", "status", *store, "--json").stdout)
        if each["holder"]
    ]
    assert holder["process"].startswith(f"process {os.getpid()} on ")
    released = invoke("fleet", "release", "customer 2", *store)
    assert released.exit_code == 0
    assert released.stdout.startswith(f"released: customer 2, which process {os.getpid()} on ")
    again = invoke("fleet", "release", "customer 2", *store)
    assert again.exit_code == 14
    assert (
        again.stderr
        == "Error: no process holds the account 'customer 2'; fleet status shows those that are held\n"
    )
    shown = invoke("fleet", "status", *store).stdout.splitlines()
    assert "taken away, lease " in shown[3]
    assert shown[-1] == "4 accounts, 0 held; 28 days, 0 to request again"


def test_there_is_nothing_to_release(tmp_path: Path) -> None:
    """Without a store, none is made."""
    path = tmp_path / "none.db"
    assert invoke("fleet", "release", "acme", "--store", str(path)).exit_code == 12
    assert not path.exists()
    assert invoke("fleet", "release", "acme").exit_code == 2


def test_a_cluster_does_the_work(
    server: Simulator, accounts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets the jobs, a reference to the store and the options; report and exit code are the same."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path / "there.db"))
    monkeypatch.setenv("KEY_1", "wrong-key-27182818")
    asked: list[tuple[str, KeyRef]] = []

    async def backfill_at(
        scheduler: str,
        jobs: list[AccountJob],
        store: KeyRef,
        **options: Any,  # noqa: ANN401 - those of `run_jobs`
    ) -> FleetReport:
        asked.append((scheduler, store))
        return await run_jobs(jobs, store=store, **options)

    monkeypatch.setattr("hourlyclicks.fleet.dask_scheduler.backfill_at", backfill_at)
    words = ("--accounts", str(accounts), "--base-url", server.url, *FAST, *WEEK)
    result = invoke("fleet", "run", *words, "--scheduler", "tcp://10.0.0.5:8786")
    assert asked == [("tcp://10.0.0.5:8786", KeyRef.env("HOURLYCLICKS_STORE"))]
    assert result.exit_code == 10
    assert "  accounts   4: 3 complete, 1 failed\n" in result.stderr
    assert (tmp_path / "there.db").exists()


def test_no_scheduler_answers(accounts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with its address."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    monkeypatch.setattr("hourlyclicks.fleet.dask_scheduler.backfill_at.__kwdefaults__", {"patience": 0.2})
    words = ("--accounts", str(accounts), *FAST, *WEEK, "--scheduler")
    result = invoke("fleet", "run", *words, "tcp://127.0.0.1:9")
    assert result.exit_code == 2
    assert "no scheduler of Dask answers at tcp://127.0.0.1:9: " in result.stderr
    assert invoke("fleet", "run", *words, "nonsense://x").exit_code == 2


def test_the_store_of_a_cluster_is_named_there(accounts: Path) -> None:
    """A path or an address on the command line would have to travel."""
    words = ("--accounts", str(accounts), "--store", "clicks.db", "--scheduler", "tcp://127.0.0.1:9")
    result = invoke("fleet", "run", *words)
    assert result.exit_code == 2
    assert "leave --store out" in result.stderr
