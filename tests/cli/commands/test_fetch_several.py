"""``hourlyclicks fetch`` of several targets, end to end over a socket."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import shlex
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Account, Group, Link, RetryPolicy
from hourlyclicks.cli.steps import fetching as module
from hourlyclicks.simulator import Envelope, Rule, Script, Status
from tests.cli.serving import FAST, invoke, serving

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from hourlyclicks import Target
    from hourlyclicks.simulator import Simulator

BZ = "https://vvd.bz"
A, B, C = (Link(name, BZ) for name in "abc")
AB = ("--link", "a", "--link", "b", "--domain", BZ)
FIRST, LAST = dt.date(2025, 4, 1), dt.date(2025, 4, 3)
DAYS = ("--from", str(FIRST), "--to", str(LAST))
NO = Status(501)


def fetched(server: Simulator, *words: str) -> Result:
    """Fetch three days from a server."""
    return invoke("fetch", *words, *DAYS, *FAST, "--base-url", server.url)


def figures(text: str) -> list[tuple[str, str, str, str]]:
    """Return target, date, hour and clicks of every line of a CSV."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [(row["target"], row["date"], row["hour"], row["clicks"]) for row in rows]


def truth_of(server: Simulator, *targets: Target) -> list[tuple[str, str, str, str]]:
    """Return what the server knows, in the same form."""
    return [
        (str(target), str(date), str(hour), "" if clicks is None else str(clicks))
        for target in targets
        for date, cells in server.cells(target, FIRST, LAST).items()
        for hour, (clicks, _) in enumerate(cells)
    ]


def test_every_target_that_is_named_is_fetched(server: Simulator, tmp_path: Path) -> None:
    """Links, groups, the account and those of a file, each once and in this order, in one CSV."""
    path = tmp_path / "targets.csv"
    path.write_text("link,group\nb,\nc,\n,7\n", "utf-8")
    words = (*AB, "--link", "a", "--group", "7", "--group", "8", "--account", "--targets", str(path))
    result = fetched(server, *words, "--format", "csv")
    targets = (A, B, Group(7), Group(8), Account(), C)
    assert (result.exit_code, figures(result.stdout)) == (0, truth_of(server, *targets))
    assert set(server.counters.asked.values()) == {1}
    assert set(server.counters.asked) == {
        (each, FIRST + dt.timedelta(n)) for each in targets for n in range(3)
    }
    first, *_, last = result.stderr.splitlines()
    assert first.startswith("6 targets, 2025-04-01..2025-04-03: 18 days, about ")
    assert last.startswith("18 days in ")
    assert last.endswith(": 18 requests, 0 retries, 0 HTTP 429s, 0 pauses")


def test_a_whole_address_names_a_link(server: Simulator) -> None:
    """It may have any domain, beside other links."""
    result = fetched(server, "--link", f"{BZ}/a", "--link", "https://vvd.im/%ED%95%9C", "--format", "csv")
    assert (result.exit_code, result.stderr.count("warning")) == (0, 0)
    assert figures(result.stdout) == truth_of(server, A, Link("한", "https://vvd.im"))


def test_every_format_has_all_targets(server: Simulator) -> None:
    """JSON Lines have them like CSV; there is a table for each target."""
    lines = fetched(server, *AB, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["target"] for line in lines] == [str(A)] * 72 + [str(B)] * 72
    tables = fetched(server, *AB).stdout
    one, two = (fetched(server, "--link", name, "--domain", BZ).stdout for name in "ab")
    assert tables == f"{one}\n{two}"
    assert two.startswith("https://vvd.bz/b, 2025-04-01..2025-04-03\n")


def test_a_failed_day_is_named_with_its_target(tmp_path: Path) -> None:
    """The other targets are fetched; the command for the rest names that target."""
    output = tmp_path / "clicks.csv"
    with serving(faults=Script(Rule(NO, target=A, day=FIRST), Rule(NO, target=A, day=LAST))) as server:
        result = fetched(server, *AB, "--group", "7", "-o", str(output), "--partial")
        expected = [
            (*row[:3], "" if row[0] == str(A) and row[1] in {str(FIRST), str(LAST)} else row[3])
            for row in truth_of(server, A, B, Group(7))
        ]
    assert result.exit_code == 10
    assert figures(output.read_text("utf-8")) == expected
    assert f"missing: {BZ}/a 2025-04-01: HTTP 501" in result.stderr
    assert f"missing: {BZ}/a 2025-04-03: HTTP 501" in result.stderr
    assert f"Error: 2 days of 9 missing; {BZ}/a 2025-04-01: HTTP 501" in result.stderr
    (line,) = result.stderr.partition("To fetch the rest:\n")[2].splitlines()[:-1]
    words = shlex.split(line)
    assert words[1:6] == ["fetch", "--link", "a", "--domain", BZ]
    assert words[-6:] == [
        "--from",
        "2025-04-01",
        "--to",
        "2025-04-03",
        "-o",
        f"{tmp_path}/clicks.from-2025-04-01.csv",
    ]
    assert not {"--group", "b"} & set(words)


def test_the_missing_days_of_few_targets_have_a_command_each(tmp_path: Path) -> None:
    """A link that its id cannot name is named by its address."""
    odd = Link(" %ED%95%9C", BZ)
    faults = Script(*(Rule(NO, target=target, day=FIRST) for target in (A, odd, Group(7))))
    with serving(faults=faults) as server:
        words = (*AB[:4], "--link", f"{BZ}/%20%25ED%2595%259C", "--group", "7", "--domain", BZ)
        result = fetched(server, *words, "-o", str(tmp_path / "clicks.csv"))
    assert result.exit_code == 10
    assert "9 days kept in" in result.stderr
    lines = [
        shlex.split(line) for line in result.stderr.partition("To fetch the rest:\n")[2].splitlines()[:-1]
    ]
    assert [words[2:4] for words in lines] == [
        ["--link", "a"],
        ["--link", f"{BZ}/%20%25ED%2595%259C"],
        ["--group", "7"],
    ]
    names = ["clicks.from-2025-04-01.csv", "clicks.from-2025-04-01-2.csv", "clicks.from-2025-04-01-3.csv"]
    assert [words[-1] for words in lines] == [str(tmp_path / name) for name in names]


def test_the_missing_days_of_many_targets_have_one_command() -> None:
    """It has the same targets, from the first missing day to the last."""
    with serving(faults=Script(Rule(NO, day=dt.date(2025, 4, 2)))) as server:
        groups = [word for number in range(4) for word in ("--group", str(number))]
        result = fetched(server, *groups, "--partial")
    assert result.exit_code == 10
    (line,) = result.stderr.partition("To fetch the rest:\n")[2].splitlines()[:-1]
    assert line.startswith("  hourlyclicks fetch --group 0 --group 1 --group 2 --group 3 ")
    assert line.endswith(" --from 2025-04-02 --to 2025-04-02")


@pytest.mark.parametrize("partial", [False, True])
def test_a_fatal_error_ends_all(*, partial: bool) -> None:
    """The targets after it are not requested, and are named as missing."""
    with serving(faults=Script(Rule(Status(401), number=range(5, 99)))) as server:
        words = (*AB, "--group", "1", "--group", "2", "--format", "csv", *(["--partial"] if partial else []))
        result = fetched(server, *words)
        asked = {target for target, _ in server.counters.asked}
    assert asked == {A, B}
    assert result.exit_code == 3
    assert "missing: all of 2 targets from group 1 on: not fetched" in result.stderr
    assert f"missing: {BZ}/b 2025-04-0" in result.stderr
    rows = figures(result.stdout)
    assert [len({row[0] for row in rows}), len(rows)] == ([4, 288] if partial else [0, 0])
    assert ("To fetch the rest:" if partial else "To fetch it all:") in result.stderr


@pytest.mark.parametrize("daily", [False, True])
@pytest.mark.parametrize(
    ("fault", "said", "code"),
    [
        (Envelope({"code": 7, "message": "no such link", "result": None}), "the API answered code 7", 8),
        (Status(501), "HTTP 501", 7),
        (Status(404), "a gateway or another server (check base_url), not the API, answered HTTP 404", 8),
    ],
)
def test_a_target_whose_days_are_all_rejected_is_named_last(
    fault: Envelope | Status, said: str, code: int, *, daily: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line says which of the targets has ended the run, for hours and for sums alike."""
    monkeypatch.setattr(module, "RETRY", RetryPolicy(base=0.01))
    days = ("--from", "2025-04-01", "--to", "2025-04-12")
    with serving(faults=Script(Rule(fault, target=B))) as server:
        words = (*AB, *days, *FAST, *(["--daily"] if daily else []), "--fail-fast")
        result = invoke("fetch", *words, "--base-url", server.url)
    assert result.exit_code == code
    assert result.stderr.splitlines()[-1].startswith(f"Error: {BZ}/b: {said}: ")


def test_a_store_is_read_through_for_each(server: Simulator, tmp_path: Path) -> None:
    """Stored days of any target are not requested again, and the same command continues."""
    store = ("--store", str(tmp_path / "clicks.db"), "--format", "csv")
    assert fetched(server, "--link", "b", "--domain", BZ, *store).exit_code == 0
    result = fetched(server, *AB, *store)
    assert (result.exit_code, figures(result.stdout)) == (0, truth_of(server, A, B))
    assert server.counters.requests == 6
    first, last = result.stderr.splitlines()
    assert first == "2 targets, 2025-04-01..2025-04-03: 6 days"
    assert last.startswith("6 days (3 of them from the store) in ")
    with serving(faults=Script(Rule(NO, target=Group(7)))) as other:
        result = fetched(other, *AB, "--group", "7", *store)
    assert result.exit_code == 10
    assert "6 days in the store; nothing is written because days are missing" in result.stderr
    (line,) = result.stderr.partition("To go on:\n")[2].splitlines()[:-1]
    assert line.startswith("  hourlyclicks fetch --link a --link b --domain https://vvd.bz --group 7 ")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), 2, "no target given"),
        (("--domain", BZ), 2, "--domain needs --link or --targets"),
        ((*AB, "--domain", "https://vvd.im"), 2, "--domain is given twice"),
        (("--link", f"{BZ}/a", "--domain", "https://vvd.im"), 2, "is no link of https://vvd.im"),
        (("--link", "a", "--domain", BZ, "--group", "1", "--plan", "personal"), 4, "single links only"),
        (("--targets", "none.csv", "--account"), 2, "none.csv cannot be read"),
        (
            ("--account", "--limit", "9/60", "--account-name", "x"),
            2,
            "--account-name names an account in a store",
        ),
    ],
)
def test_nothing_is_sent_if_the_plan_excludes_one_target(
    words: tuple[str, ...], code: int, text: str, server: Simulator
) -> None:
    """Nothing is sent for the others either."""
    result = invoke("fetch", *DAYS, *words, "--base-url", server.url)
    assert (result.exit_code, server.counters.requests) == (code, 0)
    assert text in result.stderr
