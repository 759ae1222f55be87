"""``hourlyclicks fetch``, end to end over a socket."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import shlex
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Account, Link, RetryPolicy
from hourlyclicks.cli.actions import fetch as module
from hourlyclicks.cli.steps import fetching
from hourlyclicks.simulator import Close, Envelope, Rule, Script, Status, redirect, retry_after
from hourlyclicks.simulator.faults import NOTHING
from tests.cli.serving import APRIL, FAST, LINK, invoke, serving

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from hourlyclicks.simulator import Fault, Simulator

BAD = dt.date(2025, 4, 10)
ONE_BAD_DAY = Script(Rule(Status(501), day=BAD))
COMMON = ("fetch", *LINK, *APRIL, *FAST)


def rows_of(text: str) -> list[tuple[str, int, int | None]]:
    """Return date, hour and clicks of every line of a CSV."""
    return [
        (row["date"], int(row["hour"]), int(row["clicks"]) if row["clicks"] else None)
        for row in csv.DictReader(io.StringIO(text))
    ]


def truth_of(server: Simulator) -> list[tuple[str, int, int | None]]:
    """Return what the server knows of April, in the same form."""
    link = Link("kYdr", "https://vvd.bz")
    truth = server.cells(link, dt.date(2025, 4, 1), dt.date(2025, 4, 30))
    return [
        (str(date), hour, clicks) for date, cells in truth.items() for hour, (clicks, _) in enumerate(cells)
    ]


def fetched(server: Simulator, *words: str) -> Result:
    """Fetch April from a server."""
    return invoke(*COMMON, "--base-url", server.url, *words)


def test_stdout_has_the_data_and_nothing_else(server: Simulator) -> None:
    """CSV on stdout equals the server's figures; messages go to stderr."""
    result = fetched(server, "--format", "csv")
    assert result.exit_code == 0
    assert rows_of(result.stdout) == truth_of(server)
    first, *_, last = result.stderr.splitlines()
    assert first.startswith("https://vvd.bz/kYdr, 2025-04-01..2025-04-30: 30 days, about ")
    assert last.startswith("30 days in ")
    assert last.endswith(": 30 requests, 0 retries, 0 HTTP 429s, 0 pauses")


def test_a_wrong_clock_is_reported_once() -> None:
    """A server with another time causes one line on stderr, and no day is final."""
    headers = (("Date", "Tue, 01 Apr 2025 12:00:00 GMT"),)
    answers = Status(200, headers=headers, body=b'{"code":0,"result":[]}')
    with serving(faults=Script(Rule(answers))) as server:
        result = fetched(server, "--format", "jsonl")
    assert result.exit_code == 0
    assert result.stderr.count("this machine's clock is") == 1
    assert "not final yet, to be fetched again later: 2025-04-01..2025-04-30" in result.stderr


def test_one_request_a_day(server: Simulator) -> None:
    """No day is requested twice."""
    fetched(server)
    assert set(server.counters.asked.values()) == {1}
    assert server.counters.requests == 30


def test_json_lines(server: Simulator) -> None:
    """Each line is an object for an hour."""
    lines = fetched(server, "--format", "jsonl").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [(row["date"], row["hour"], row["clicks"]) for row in rows] == truth_of(server)


def test_a_table_for_people(server: Simulator) -> None:
    """Without a format, there is a line for each day."""
    result = fetched(server)
    assert "2025-04-30 Wed" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(" clicks in 30 days")


def test_a_file_gets_its_format_from_its_name(server: Simulator, tmp_path: Path) -> None:
    """With -o, the suffix decides, and stdout stays empty."""
    result = fetched(server, "-o", str(tmp_path / "clicks.csv"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert rows_of((tmp_path / "clicks.csv").read_text()) == truth_of(server)


def test_a_dash_is_stdout(server: Simulator) -> None:
    """``-o -`` writes to stdout."""
    assert rows_of(fetched(server, "-o", "-", "--format", "csv").stdout) == truth_of(server)


def test_the_last_days(server: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """--last counts back from yesterday in the account's zone."""
    monkeypatch.setattr(module, "present", lambda: dt.datetime(2025, 4, 9, 16, tzinfo=dt.UTC))
    words = ("fetch", "--account", "--last", "3d", *FAST, "--base-url", server.url)
    invoke(*words)
    invoke(*words, "--timezone", "Asia/Seoul")
    days = [day.isoformat() for _, day in server.counters.asked]
    assert sorted(days) == ["2025-04-06", "2025-04-07", "2025-04-08", "2025-04-09"]
    assert server.counters.asked[Account(), dt.date(2025, 4, 6)] == 1


def test_a_brand_is_sent(server: Simulator) -> None:
    """The name of the application comes before ours in the User-Agent."""
    fetched(server, "--user-agent", "acme-reports/2.1")
    assert server.seen[-1].headers["User-Agent"].startswith("acme-reports/2.1 hourlyclicks/")


def test_a_store_is_read_through(server: Simulator, tmp_path: Path) -> None:
    """Stored days are not requested, fetched days are stored, and the output is the same."""
    words = ("--store", str(tmp_path / "clicks.db"), "--format", "csv")
    ten_days = ("--from", "2025-04-01", "--to", "2025-04-10")
    first = invoke("fetch", *LINK, *ten_days, *FAST, "--base-url", server.url, *words)
    assert (first.exit_code, server.counters.requests) == (0, 10)
    second = fetched(server, *words)
    assert rows_of(second.stdout) == truth_of(server)
    assert server.counters.requests == 30
    lines = second.stderr.splitlines()
    assert lines[0] == "https://vvd.bz/kYdr, 2025-04-01..2025-04-30: 30 days"
    assert lines[1].startswith("10 of 30 days in the store, 20 to go, about ")
    assert lines[-1].startswith("30 days (10 of them from the store) in ")
    assert fetched(server, *words, "--account-name", "news").exit_code == 0
    assert server.counters.requests == 60


def test_an_incomplete_fetch_continues_from_the_store(tmp_path: Path) -> None:
    """With a store nothing is lost, and the same command requests only the missing days."""
    output = tmp_path / "clicks.csv"
    words = ("--store", str(tmp_path / "clicks.db"))
    with serving(faults=Script(Rule(Status(501), day=BAD, number=range(1, 31)))) as server:
        result = fetched(server, *words, "--format", "csv")
        assert (result.exit_code, result.stdout) == (10, "")
        assert "29 days in the store; nothing is written because days are missing" in result.stderr
        assert fetched(server, *words, "-o", str(output)).exit_code == 0
        assert server.counters.requests == 31
        assert rows_of(output.read_text("utf-8")) == truth_of(server)
    *_, title, line, _ = result.stderr.splitlines()
    assert title == "To go on:"
    assert line.endswith("--format csv --from 2025-04-01 --to 2025-04-30")


def test_a_key_from_a_file(server: Simulator, tmp_path: Path) -> None:
    """The key of a private file is used."""
    path = tmp_path / "key"
    path.write_text(server.key + "\n")
    path.chmod(0o600)
    result = invoke(
        *COMMON,
        "--base-url",
        server.url,
        "--key-file",
        str(path),
        env={"HOURLYCLICKS_API_KEY": "wrong-key-0"},
    )
    assert result.exit_code == 0


def test_missing_days_leave_stdout_empty() -> None:
    """If a day is missing, there is no data, exit code 10, and the day is named."""
    with serving(faults=ONE_BAD_DAY) as server:
        result = fetched(server, "--format", "csv")
    assert (result.exit_code, result.stdout) == (10, "")
    assert "missing: 2025-04-10: HTTP 501" in result.stderr
    assert "29 days discarded; use --partial or -o to keep them" in result.stderr
    assert "Error: 1 day of 30 missing; https://vvd.bz/kYdr 2025-04-10: HTTP 501" in result.stderr


def test_partial_data_is_written_on_demand() -> None:
    """With --partial all other days are written, and the exit code stays 10."""
    with serving(faults=ONE_BAD_DAY) as server:
        result = fetched(server, "--format", "csv", "--partial")
        expected = [(day, hour, None if day == str(BAD) else n) for day, hour, n in truth_of(server)]
    assert result.exit_code == 10
    assert rows_of(result.stdout) == expected
    assert "2025-04-10,5,,,not_fetched" in result.stdout


def test_a_file_is_never_incomplete_unless_wanted(tmp_path: Path) -> None:
    """Without --partial an incomplete result goes into another file."""
    path = tmp_path / "clicks.csv"
    with serving(faults=ONE_BAD_DAY) as server:
        assert fetched(server, "-o", str(path)).exit_code == 10
        assert [file.name for file in tmp_path.iterdir()] == ["clicks.csv.partial"]
        fetched(server, "-o", str(path), "--partial")
    assert path.read_text() == (tmp_path / "clicks.csv.partial").read_text()


def test_the_rest_can_be_fetched_by_the_printed_command(tmp_path: Path) -> None:
    """The command for the missing days is printed, with the same options and another file."""
    bad = [dt.date(2025, 4, day) for day in (10, 11, 20)]
    with serving(faults=Script(*(Rule(Status(501), day=day) for day in bad))) as server:
        result = fetched(server, "--partial", "-o", str(tmp_path / "it's.csv"))
        kept = f"{shlex.join(FAST)} --base-url {server.url} --partial"
    lines = result.stderr.partition("To fetch the rest:\n")[2].splitlines()
    link = "  hourlyclicks fetch --link kYdr --domain https://vvd.bz"
    assert [shlex.split(line) for line in lines[:-1]] == [
        [*shlex.split(f"{link} {kept} --from {start} --to {end} -o"), f"{tmp_path}/it's.from-{start}.csv"]
        for start, end in ((bad[0], bad[1]), (bad[2], bad[2]))
    ]


def test_many_gaps_are_fetched_as_one_range() -> None:
    """With more than three gaps, the command has one range that covers all of them."""
    odd = Script(*(Rule(Status(501), day=dt.date(2025, 4, day)) for day in (3, 7, 11, 15, 22)))
    with serving(faults=odd) as server:
        result = fetched(server, "--partial")
    *_, line, error = result.stderr.splitlines()
    assert line.endswith("--from 2025-04-03 --to 2025-04-22")
    assert error.startswith("Error: 5 days of 30 missing; https://vvd.bz/kYdr 2025-04-03: ")


def test_what_was_dropped_is_fetched_again() -> None:
    """If nothing is kept, the command has the whole range, not only the day that failed."""
    with serving(faults=Script(Rule(Status(501), day=dt.date(2025, 4, 3)))) as server:
        result = fetched(server)
    assert "29 days discarded" in result.stderr
    *_, title, line, _ = result.stderr.splitlines()
    assert title == "To fetch it all:"
    assert line.endswith("--from 2025-04-01 --to 2025-04-30")


def test_days_that_can_still_change_are_named() -> None:
    """A provisional day is named on stderr, in every format."""
    today = dt.datetime.now(dt.UTC).date()
    with serving() as server:
        words = [*LINK, *FAST, "--base-url", server.url, "--format", "csv"]
        result = invoke("fetch", *words, "--from", "2025-04-01", "--to", "2025-04-01")
        assert "not final" not in result.stderr
        result = invoke("fetch", *words, "--from", str(today), "--to", str(today))
    assert f"not final yet, to be fetched again later: {today}" in result.stderr


def test_a_name_with_the_suffix_json_is_an_error() -> None:
    """A file named .json would not hold JSON."""
    result = invoke("fetch", *LINK, *APRIL, "-o", "a.json")
    assert result.exit_code == 2
    assert ".jsonl" in result.stderr


def test_many_failures_are_cut_short() -> None:
    """At most ten failed days are named."""
    odd = (Rule(Status(501), day=dt.date(2025, 4, day)) for day in range(1, 31, 2))
    with serving(faults=Script(*odd)) as server:  # with answers between them
        result = fetched(server)
    assert result.stderr.count("missing: 2025") == 10
    assert "missing: 5 days more that failed" in result.stderr


def test_days_that_were_not_requested_are_named() -> None:
    """After too many failures with --fail-fast, the remaining days are named."""
    with serving(
        faults=Script(Rule(Status(501), number={3}), Rule(Status(401), number=range(5, 99)))
    ) as server:
        result = fetched(server, "--partial")
    assert result.exit_code == 3
    assert "..2025-04-30: not fetched" in result.stderr


@pytest.mark.parametrize(
    ("fault", "code", "text"),
    [
        (Status(401), 3, "does not accept the API key"),
        (Status(403), 3, "User-Agent"),
        (retry_after("9000"), 5, ""),
        (Close(), 6, "closed the connection"),
        (Status(501), 7, "HTTP 501"),
        (Status(404), 8, "HTTP 404"),
        (redirect("https://elsewhere.example/"), 8, "not followed"),
        (Envelope({"code": 7, "message": "\x1b[2J[red]no"}), 8, "code 7: \\x1b[2J[red]no"),
        (NOTHING, 9, ""),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, int | str) else str(value),
)
def test_each_error_has_its_exit_code(
    fault: Fault, code: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error without any fetched day ends with its own exit code and one sentence."""
    monkeypatch.setattr(fetching, "RETRY", RetryPolicy(attempts=1))
    with serving(faults=Script(Rule(fault))) as server:
        words = ("--from", "2025-04-01", "--to", "2025-04-01", "--base-url", server.url, "--fail-fast")
        result = invoke("fetch", *LINK, *FAST, *words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert text in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("--account",), 4, "no --plan was named"),
        (("--group", "3", "--plan", "personal"), 4, "single links only"),
        (("--account", "--plan", "free"), 4, "no access"),
        (("--account", "--plan", "premium", "--timezone", "Mars/Base"), 2, "no such time zone"),
        (("--link", "x", "--domain", "vvd.bz"), 2, "with its scheme"),
        (("--account", "--plan", "premium", "--base-url", "http://vivoldi.com"), 2, "https"),
        (("--account", "--plan", "premium", "--user-agent", "한글"), 2, "user_agent"),
        (("--account", "--plan", "premium", "-o", "/no/such/folder/x"), 11, "no folder"),
    ],
)
def test_nothing_is_sent_for_an_invalid_command_line(words: tuple[str, ...], code: int, text: str) -> None:
    """Mistakes are reported before anything is sent, each in a sentence."""
    result = invoke("fetch", *APRIL, *words)
    assert result.exit_code == code
    assert text in result.stderr
    assert result.stdout == ""


def test_a_day_in_the_future_is_an_error() -> None:
    """A day that has not begun anywhere cannot be fetched."""
    result = invoke("fetch", *LINK, "--from", "2025-04-01", "--to", "9999-12-31")
    assert result.exit_code == 2
    assert "has not begun" in result.stderr


def test_the_key_is_never_shown() -> None:
    """No output holds the key, even if the server repeats it."""
    canary = "canary-key-31415926"
    echo = Status(404, body=f'{{"code": 1, "message": "APIKey {canary}"}}'.encode())
    with serving(keys={canary: "premium"}, faults=Script(Rule(echo))) as server:
        result = invoke(*COMMON, "--base-url", server.url, env={"HOURLYCLICKS_API_KEY": canary})
    assert result.exit_code == 3  # the message is about the key
    assert canary not in result.output
