"""``hourlyclicks backfill``, end to end over a socket."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Account, Link, RetryPolicy
from hourlyclicks.cli.actions import backfill as module
from hourlyclicks.cli.steps import runs
from hourlyclicks.simulator import Envelope, Rule, Script, Status, retry_after
from tests.cli.serving import APRIL, FAST, ONE_AT_A_TIME, invoke, serving

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from hourlyclicks.simulator import Fault, Simulator

TWO = ("--link", "kYdr", "--link", "한/글", "--domain", "https://vvd.bz")
BAD = dt.date(2025, 4, 10)


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The path of a store that does not exist yet."""
    return str(tmp_path / "clicks.db")


def filled(server: Simulator, store: str, *words: str) -> Result:
    """Fill a store with the April of two links."""
    return invoke("backfill", "--store", store, *TWO, *APRIL, *FAST, "--base-url", server.url, *words)


def test_every_day_is_requested_once(server: Simulator, store: str) -> None:
    """All days of all targets are stored, and a second run requests nothing."""
    result = filled(server, store)
    assert (result.exit_code, result.stdout) == (0, "")
    assert set(server.counters.asked.values()) == {1}
    assert server.counters.requests == 60
    again = filled(server, store)
    assert again.exit_code == 0
    assert server.counters.requests == 60
    lines = again.stderr.splitlines()
    assert lines[0] == "2 targets, 2025-04-01..2025-04-30: 60 days"
    assert lines[1].startswith("60 of 60 days in the store, 0 to go, about 0 s left")
    assert lines[-3:] == [
        "  fetched    0 days",
        "  known      60 days, already in the store",
        "  requests   0, 0 retries among them",
    ]


def test_ranges_of_days(server: Simulator, store: str) -> None:
    """A month of two links takes a few requests, and none afterwards, whichever endpoint is asked."""
    result = filled(server, store, "--endpoint", "auto")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("2 targets, 2025-04-01..2025-04-30: 60 days\n")
    assert server.counters.requests == 1 + 3 + 1 + 3  # refused, in parts of 14 days, compared, the other link
    assert filled(server, store).exit_code == 0
    assert server.counters.requests == 8


def test_targets_come_from_a_file(server: Simulator, store: str, tmp_path: Path) -> None:
    """A CSV as a spreadsheet writes it is read."""
    path = tmp_path / "targets.csv"
    path.write_text("\ufefflink,domain,target\r\n한/글,https://vvd.bz,\r\n,,account\r\n", "utf-8")
    words = ("--targets", str(path), *APRIL, *FAST, "--base-url", server.url)
    assert invoke("backfill", "--store", store, *words).exit_code == 0
    targets = {target for target, _ in server.counters.asked}
    assert targets == {Link("한/글", "https://vvd.bz"), Account()}


def test_the_store_comes_from_the_environment(server: Simulator, store: str) -> None:
    """No option is needed, and the command to resume has none either."""
    words = (*TWO, *APRIL, *FAST, "--base-url", server.url, "--max-requests", "5")
    result = invoke("backfill", *words, env={"HOURLYCLICKS_STORE": store})
    assert result.exit_code == 10
    assert server.counters.requests == 5
    assert "--store" not in result.stderr


def test_a_run_is_resumed_by_the_printed_command(server: Simulator, store: str) -> None:
    """After the maximum number of requests it stops, and the printed command continues."""
    result = filled(server, store, "--max-requests", "25", "--order", "newest", "--deadline", "2h")
    assert result.exit_code == 10
    *_, title, line, error = result.stderr.splitlines()
    assert title == "To go on:"
    assert error == "Error: 35 days of 60 missing"
    assert server.counters.requests == 25
    assert dt.date(2025, 4, 1) not in {day for _, day in server.counters.asked}
    words = shlex.split(line)
    assert words[0] == "hourlyclicks"
    assert [invoke(*words[1:]).exit_code for _ in range(2)] == [10, 0]
    assert server.counters.requests == 60
    assert set(server.counters.asked.values()) == {1}


def test_the_deadline_may_have_passed(server: Simulator, store: str) -> None:
    """Then nothing is sent, and nothing is lost."""
    result = filled(server, store, "--deadline", "0s")
    assert result.exit_code == 10
    assert "the deadline was reached" in result.stderr
    assert server.counters.requests == 0


@pytest.mark.parametrize("command", [("backfill", *APRIL), ("sync",)])
def test_a_missing_folder_is_found_before_anything_else(tmp_path: Path, command: tuple[str, ...]) -> None:
    """The list of targets is not read, no report is printed, and no command to go on."""
    path = tmp_path / "none" / "clicks.db"
    result = invoke(*command, "--store", str(path), "--targets", str(tmp_path / "none.csv"))
    assert result.exit_code == 12
    error = f"Error: the store {path}: there is no such folder: make it, or name another file\n"
    assert result.stderr == error


@pytest.mark.parametrize("fault", [Status(401), Envelope({"code": 401, "message": "invalid api key"})])
def test_a_wrong_key_leaves_nothing_to_wonder_about(fault: Fault, store: str) -> None:
    """After it, the store seems as empty as before, and a run with the right key finds it so."""
    with serving(faults=Script(Rule(fault))) as server:
        assert filled(server, store, "--order", "newest").exit_code == 3
        for words in ((), ("--running",), ("--summary",)):
            shown = invoke("status", "--store", store, *words)
            assert (shown.exit_code, "account" in shown.stdout) == (0, False)
    with serving() as server:
        assert filled(server, store).exit_code == 0
        assert invoke("status", "--store", store).stdout.count("account") == 1


def test_a_beginning_is_noted_although_the_run_fails(store: str) -> None:
    """If the network fails, and not the key, the next sync knows where a target begins."""
    with serving(faults=Script(Rule(Status(500)))) as server:
        filled(server, store, "--order", "newest", "--max-requests", "1")
    assert "2025-04-01" in invoke("status", "--store", store).stdout


def test_no_request_at_all_is_no_way_to_go_on(server: Simulator, store: str) -> None:
    """The printed command leaves a maximum of 0 out, and keeps the others."""
    result = filled(server, store, "--max-requests", "0", "--order", "newest")
    assert "  hourlyclicks backfill " in result.stderr
    assert "--order newest" in result.stderr
    assert "--max-requests" not in result.stderr.split("To go on:")[1]
    assert server.counters.requests == 0


def test_the_command_to_resume_names_the_days(
    server: Simulator, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--last would mean other days tomorrow, so the command names them."""
    monkeypatch.setattr(module, "present", lambda: dt.datetime(2025, 4, 9, 16, tzinfo=dt.UTC))
    words = ("--last", "2d", "--timezone", "Asia/Seoul", "--max-requests", "1")
    result = invoke("backfill", "--store", store, *TWO, *FAST, "--base-url", server.url, *words)
    assert "--from 2025-04-08 --to 2025-04-09\n" in result.stderr
    assert "--last" not in result.stderr


def test_a_name_makes_another_account(server: Simulator, store: str) -> None:
    """The days of the key's account do not count under a name."""
    filled(server, store)
    filled(server, store, "--account-name", "news")
    assert set(server.counters.asked.values()) == {2}


def test_failed_days_come_first_in_the_next_run(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day that fails is named, and requested again."""
    monkeypatch.setattr(runs, "RETRY", RetryPolicy(attempts=1))
    with serving(faults=Script(Rule(Status(500), day=BAD, number=range(1, 61)))) as server:
        result = filled(server, store)
        assert result.exit_code == 10
        assert "  failed     2 days" in result.stderr
        assert "missing: https://vvd.bz/한/글 2025-04-10: HTTP 500" in result.stderr
        error = "Error: 2 days of 60 missing; https://vvd.bz/kYdr 2025-04-10: HTTP 500"
        assert result.stderr.splitlines()[-1].startswith(error)
        assert filled(server, store).exit_code == 0
        assert server.counters.requests == 62


def test_rejected_days_are_requested_on_demand_only(store: str) -> None:
    """A rejected day is requested again only with --retry-refused."""
    refused = Script(Rule(Envelope({"code": 7, "message": "\x1b[2J[red]no"}), day=BAD))
    with serving(faults=refused) as server:
        result = filled(server, store)
        assert result.exit_code == 0
        assert "  rejected   2 days by the API (not retried; use --retry-refused)" in result.stderr
        assert "code 7: \\x1b[2J[red]no" in result.stderr
        assert "\x1b" not in result.stderr
        assert "hourlyclicks backfill" not in result.stderr
        filled(server, store)
        assert server.counters.requests == 62  # each rejected day was requested once more to confirm it
        filled(server, store, "--retry-refused")
        assert server.counters.requests == 64


def test_days_are_requested_again_on_demand(server: Simulator, store: str) -> None:
    """--refresh requests all days, at once after a run too."""
    assert filled(server, store).exit_code == 0
    assert filled(server, store, "--refresh").exit_code == 0
    assert set(server.counters.asked.values()) == {2}


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        (Status(401), 3, "does not accept the API key"),
        (retry_after("9000"), 5, "the server asks to wait too long"),
        (Status(501), 7, "HTTP 501"),
    ],
    ids=["key", "rate", "server"],
)
def test_nothing_fetched_ends_with_the_error(fault: Fault, code: int, text: str, store: str) -> None:
    """If no day could be fetched, the exit code is that of the error, and there is a report."""
    with serving(faults=Script(Rule(fault))) as server:
        result = filled(server, store)
    assert result.exit_code == code
    assert text in result.stderr
    assert "  fetched    0 days" in result.stderr
    assert "hourlyclicks backfill --store" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")


def test_what_was_fetched_before_a_rejected_key_is_kept(store: str) -> None:
    """If the key is rejected during the run, the days before are in the store."""
    with serving(faults=Script(Rule(Status(401), number=range(21, 999)))) as server:
        words = (*TWO, *APRIL, *ONE_AT_A_TIME, "--base-url", server.url)
        result = invoke("backfill", "--store", store, *words)
    assert result.exit_code == 3
    assert "  fetched    20 days" in result.stderr
    left = invoke("estimate", "--store", store, *TWO, *APRIL).stdout
    assert left.startswith("40 requests: 30 days, 2 targets; 20 days in the store need no request\n")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), 2, "no target given"),
        (("--targets", "none.csv"), 2, "none.csv cannot be read"),
        (("--link", "x"), 2, "--link needs --domain"),
        (("--account",), 4, "no --plan was named"),
        (("--account", "--plan", "premium", "--deadline", "soon"), 2, "neither a time"),
        (("--account", "--plan", "premium", "--max-requests", "-1"), 2, "-1"),
        (("--account", "--plan", "premium", "--store", "postgresql://a:b@c/d"), 2, "HOURLYCLICKS_STORE"),
        (("--account", "--plan", "premium", "--store", "mysql://c/d"), 2, "postgresql://"),
        (("--account", "--plan", "premium", "--store", "/no/such/folder/x.db"), 12, "no such folder"),
        (("--account", "--plan", "premium", "--store", "/"), 2, "folder"),
        (("--account", "--plan", "premium", "--timezone", "Mars/Base"), 2, "no such time zone"),
        (("--account", "--plan", "premium", "--base-url", "http://vivoldi.com"), 2, "https"),
    ],
)
def test_nothing_is_sent_for_an_invalid_command_line(
    words: tuple[str, ...], code: int, text: str, store: str
) -> None:
    """Mistakes are reported before anything is sent, each in a sentence."""
    where = () if "--store" in words else ("--store", store)
    result = invoke("backfill", *APRIL, *where, *words)
    assert result.exit_code == code
    assert text in result.stderr
    assert "Traceback" not in result.output


def test_days_in_the_future_and_a_missing_store_are_errors(store: str) -> None:
    """Days that have not begun anywhere cannot be fetched, and a backfill needs a store."""
    future = ("--from", "2025-04-01", "--to", "9999-12-31", *TWO)
    result = invoke("backfill", "--store", store, *future)
    assert (result.exit_code, "has not begun" in result.stderr) == (2, True)
    result = invoke("backfill", *APRIL, *TWO)
    assert (result.exit_code, "no store given" in result.stderr) == (2, True)
