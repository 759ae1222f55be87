"""``hourlyclicks links`` and ``hourlyclicks groups``, and the runs that take all links."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link, ServerError
from hourlyclicks.cli.actions.lists import tell
from hourlyclicks.cli.selection import read_targets
from hourlyclicks.events import ClockSkew, PageAttemptFailed, PageRead, Paused
from hourlyclicks.model.targets import Group
from hourlyclicks.simulator import (
    Catalogue,
    ListedGroup,
    ListedLink,
    ListRules,
    Rule,
    Script,
    Status,
)
from tests.cli.serving import FAST, invoke, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

    from hourlyclicks.simulator import Simulator

BZ = "https://vvd.bz"
CREATED = dt.datetime(2025, 4, 29, 12, tzinfo=dt.UTC)
ODD = ("a", "b/c", " d ", "#e", 'f"g', "h,i", "한\u200b글", "j\nk", "%41", "=1+1")
"""Ids of links that a file has to hold to the letter."""


def catalogue() -> Catalogue:
    """Return a catalogue of links with odd ids, and a group."""
    links = [ListedLink(Link(name, BZ), CREATED, f'The "{name}"') for name in ODD]
    return Catalogue(links, [ListedGroup(7, CREATED, "Spring, 봄")])


@pytest.fixture
def account() -> Iterator[Simulator]:
    """An account with these links."""
    with serving(catalogue=catalogue(), lists=ListRules(page_size=4)) as simulator:
        yield simulator


def listed(server: Simulator, *words: str) -> Result:
    """Run a command against a server."""
    return invoke(*words, *FAST, "--base-url", server.url)


def test_links_are_a_file_for_targets(account: Simulator, tmp_path: Path) -> None:
    """The CSV names each link to the letter, with the day of its creation, and is read as it was written."""
    path = tmp_path / "links.csv"
    result = listed(account, "links", "-o", str(path))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "10 links\n")
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))
    assert {(row["target"], row["since"], row["title"]) for row in rows} == {
        (f"{BZ}/{name}", "2025-04-29", f'The "{name}"') for name in ODD
    }
    assert set(read_targets(path, warn=lambda _: None)) == {Link(name, BZ) for name in ODD}
    days = ("--from", "2025-04-01", "--to", "2025-04-30")
    assert invoke("estimate", "--targets", str(path), *days, *FAST).stdout.startswith("20 requests: ")


def test_groups_are_a_file_for_targets(account: Simulator, tmp_path: Path) -> None:
    """On stdout, too, it is CSV."""
    result = listed(account, "groups")
    assert (result.exit_code, result.stderr) == (0, "1 group\n")
    assert result.stdout == 'target,since,name,links\n"group 7",2025-04-29,"Spring, 봄",0\n'
    path = tmp_path / "groups.csv"
    path.write_text(result.stdout, "utf-8")
    assert read_targets(path) == [Group(7)]


def test_lists_as_json(account: Simulator, tmp_path: Path) -> None:
    """Each line is an object with all that is known; the name of the file can choose the format."""
    path = tmp_path / "links.jsonl"
    assert listed(account, "links", "-o", str(path)).exit_code == 0
    (link,) = [
        entry for line in path.read_text("utf-8").splitlines() if (entry := json.loads(line))["id"] == "b/c"
    ]
    assert link == {
        "target": f"{BZ}/b/c",
        "created": "2025-04-29T12:00:00",
        "id": "b/c",
        "domain": BZ,
        "title": 'The "b/c"',
    }
    assert json.loads(listed(account, "groups", "--format", "jsonl").stdout) == {
        "target": "group 7",
        "created": "2025-04-29T12:00:00",
        "idx": 7,
        "name": "Spring, 봄",
        "links": 0,
    }


def test_only_some_links(account: Simulator) -> None:
    """A period of creation has both of its days."""
    account.catalogue.add(ListedLink(Link("later", BZ), CREATED + dt.timedelta(days=1)))
    result = listed(account, "links", "--created", "2025-04-30..2025-04-30")
    assert result.stdout == f'target,since,title\n"{BZ}/later",2025-04-30,""\n'
    assert listed(account, "links", "--created", "2025-01-01..2025-01-31").stderr == "0 links\n"


def test_a_link_whose_creation_is_not_known() -> None:
    """It has no first day."""
    with serving(catalogue=catalogue(), lists=ListRules(with_created=False)) as server:
        result = listed(server, "links", "--format", "csv")
    assert f'"{BZ}/a",,"The ""a"""\n' in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (
            ("links", "--plan", "personal"),
            4,
            "the Personal plan does not include the lists of links and groups",
        ),
        (("groups",), 4, "it is assumed since no --plan was named"),
        (("links", "--created", "2025"), 2, "such as 2025-01-01..2025-03-31"),
        (("links", "--created", "2025-02-01..2025-01-01"), 2, "after its end"),
        (("backfill", "--all-links", "--last", "3d"), 4, "it is assumed since no --plan was named"),
        (("sync", "--since-creation"), 2, "--since-creation needs --all-links"),
        (("sync",), 2, "no target given"),
        (("groups", "--created", "2025-01-01..2025-02-01"), 2, "No such option"),
        (("links", "--plan", "premium", "-o", "links.xlsx"), 2, "cannot write .xlsx files"),
    ],
)
def test_mistakes(
    account: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    text: str,
) -> None:
    """They are reported before anything is sent."""
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path / "clicks.db"))
    result = invoke(*words, "--base-url", account.url)
    assert (result.exit_code, text in result.stderr) == (code, True), result.stderr
    assert account.counters.requests == 0


def test_a_list_that_fails(account: Simulator, tmp_path: Path) -> None:
    """An error has its exit code, and the file is not there."""
    account.faults = Script(Rule(Status(501), number={3}))
    path = tmp_path / "links.csv"
    result = listed(account, "links", "-o", str(path))
    assert (result.exit_code, "HTTP 501" in result.stderr) == (7, True)
    assert not path.exists()


def test_what_delays_a_list_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A page that is requested again, a pause, and a clock that is wrong."""
    error = ServerError("HTTP 503", status=503, retryable=True)
    tell(PageAttemptFailed(name="links", page=2, attempt=1, wait=1.5, error=error))
    tell(Paused(seconds=30, why="the server asks to wait"))
    tell(PageRead(name="links", page=2, entries=30, total=60, reading=1))
    tell(ClockSkew(seconds=3600))
    page, pause, clock = capsys.readouterr().err.splitlines()
    assert (page, pause) == (
        "page 2 of the links again: HTTP 503",
        "paused for 30 s: the server asks to wait",
    )
    assert clock.startswith("this machine's clock is 60 min ahead")


def asked(server: Simulator) -> dict[str, list[str]]:
    """Return the days that were requested of each link."""
    found: dict[str, list[str]] = {}
    for target, day in sorted(server.counters.asked, key=str):
        found.setdefault(str(target), []).append(str(day))
    return found


def test_a_backfill_of_all_links(account: Simulator, path: Path) -> None:
    """With --since-creation no earlier day is requested, else every day; other targets may be named."""
    days = ("--store", str(path), "--from", "2025-04-28", "--to", "2025-04-30", "--all-links")
    result = listed(account, "backfill", *days, "--since-creation", "--group", "7")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.splitlines()[0] == "group 7 and all links, 2025-04-28..2025-04-30"
    found = asked(account)
    assert found.pop("group 7") == ["2025-04-28", "2025-04-29", "2025-04-30"]
    assert found == {f"{BZ}/{name}": ["2025-04-29", "2025-04-30"] for name in ODD}
    assert listed(account, "backfill", *days).exit_code == 0
    assert {tuple(requested) for requested in asked(account).values()} == {
        ("2025-04-28", "2025-04-29", "2025-04-30")
    }
    assert set(account.counters.asked.values()) == {1}


def test_a_sync_of_all_links(tmp_path: Path) -> None:
    """It begins with the creation of each link, or as far back as --new says, and can be resumed."""
    created = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    links = [ListedLink(Link("new", BZ), created), ListedLink(Link("old", BZ), CREATED)]
    with serving(catalogue=Catalogue(links)) as server:
        words = ("sync", "--all-links", "--timezone", "UTC", "--store")
        result = listed(server, *words, str(tmp_path / "one.db"), "--since-creation", "--max-requests", "2")
        assert (result.exit_code, result.stderr.startswith("all links up to ")) == (10, True)
        assert "--all-links --since-creation" in result.stderr.splitlines()[-2]
        assert asked(server)[f"{BZ}/new"][0] == str(created.date())
        assert listed(server, *words, str(tmp_path / "other.db"), "--new", "3d").exit_code == 0
    assert len(asked(server)[f"{BZ}/new"]) == len(asked(server)[f"{BZ}/old"]) == 3


def test_a_list_that_fails_ends_the_run(account: Simulator, path: Path) -> None:
    """The days of the links before are kept, and with an order that needs all links none is requested."""
    account.faults = Script(Rule(Status(501), endpoint="links/v1", number={2}))
    days = ("--store", str(path), "--from", "2025-04-28", "--to", "2025-04-30", "--all-links")
    result = listed(account, "backfill", *days, "--order", "newest-day")
    assert (result.exit_code, "HTTP 501" in result.stderr) == (7, True)
    assert account.counters.asked == {}
    account.faults = Script(Rule(Status(501), endpoint="links/v1", number={account.counters.requests + 2}))
    result = listed(account, "backfill", *days)
    assert (result.exit_code, "HTTP 501" in result.stderr) == (7, True)
    assert "every day is in the store" not in result.stderr
    assert set(account.counters.asked.values()) == {1}


def test_a_run_that_is_stopped_while_the_list_is_read(account: Simulator, path: Path) -> None:
    """It is not complete, and says so."""
    days = ("--store", str(path), "--from", "2025-04-28", "--to", "2025-04-30", "--all-links")
    result = listed(account, "backfill", *days, "--deadline", "0s")
    assert (result.exit_code, "every day is in the store" in result.stderr) == (10, False)
    assert result.stderr.endswith("Error: the list of targets was not read to its end\n")
    assert "  unknown    all further targets: the run ended before it had read the list" in result.stderr
