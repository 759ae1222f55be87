"""``hourlyclicks sync``, end to end over a socket."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import Link
from hourlyclicks.cli.options.days import present
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.zones import last_ended
from tests.cli.serving import APRIL, FAST, ONE_AT_A_TIME, invoke

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from hourlyclicks.simulator import Simulator

TWO = ("--link", "kYdr", "--link", "talk", "--domain", "https://vvd.bz")
TALK = Link("talk", "https://vvd.bz")


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The path of a store that does not exist yet."""
    return str(tmp_path / "clicks.db")


def synced(server: Simulator, store: str, *words: str) -> Result:
    """Bring a store up to date."""
    return invoke("sync", "--store", store, *FAST, "--timezone", "UTC", "--base-url", server.url, *words)


def asked(server: Simulator, link: Link = TALK) -> list[dt.date]:
    """Return the days of a link that were requested."""
    return sorted(day for target, day in server.counters.asked if target == link)


def test_a_second_sync_requests_nothing(server: Simulator, store: str) -> None:
    """New links begin some days ago, and end yesterday; after that there is nothing to do."""
    before = last_ended(present(), dt.UTC)
    result = synced(server, store, *TWO, "--new", "3d")
    days = asked(server)
    assert (result.exit_code, result.stdout) == (0, "")
    assert days == list(DateRange(days[-1] - dt.timedelta(2), days[-1]))
    assert before <= days[-1] <= last_ended(present(), dt.UTC)
    first, second, *_ = result.stderr.splitlines()
    assert first == f"2 targets up to {days[-1]}"
    assert second.startswith("0 of 6 days in the store, 6 to go, about ")
    again = synced(server, store, *TWO)
    assert again.exit_code == 0
    assert again.stderr.splitlines()[1] == "nothing to request: every day is in the store"
    assert server.counters.requests == 6


def test_a_sync_is_resumed_by_the_printed_command(server: Simulator, store: str) -> None:
    """It names no days, and continues where the run ended."""
    words = ("--new", "4d", "--order", "newest-day", "--max-requests", "5")
    result = synced(server, store, *TWO, *words)
    assert result.exit_code == 10
    *_, title, line, error = result.stderr.splitlines()
    assert (title, error) == ("To go on:", "Error: 3 days of 8 missing")
    told = shlex.split(line)
    assert "--from" not in told
    assert told[told.index("--new") + 1] == "4d"
    assert invoke(*told[1:]).exit_code == 0
    assert set(server.counters.asked.values()) == {1}
    assert server.counters.requests == 8


def test_the_first_days_of_a_list_count(server: Simulator, store: str, tmp_path: Path) -> None:
    """A sync and an estimate begin with the first day of each target, a backfill and a fetch not before."""
    path = tmp_path / "links.csv"
    path.write_text("url,since\nhttps://vvd.bz/talk,2025-04-28\nhttps://vvd.bz/late,2025-05-02\n", "utf-8")
    words = ("--targets", str(path), *APRIL, *ONE_AT_A_TIME)
    assert invoke("estimate", *words).stdout.startswith("3 requests: ")
    result = invoke("fetch", *words, "--base-url", server.url, "-o", str(tmp_path / "clicks.csv"))
    assert result.exit_code == 0
    assert asked(server) == list(DateRange.of("2025-04-28", "2025-04-30"))
    assert len((tmp_path / "clicks.csv").read_text("utf-8").splitlines()) == 1 + 3 * 24
    assert invoke("backfill", "--store", store, *words, "--base-url", server.url).exit_code == 0
    assert asked(server) == list(DateRange.of("2025-04-28", "2025-04-30"))
    assert synced(server, store, "--targets", str(path), "--max-requests", "2").exit_code == 10
    assert asked(server) == list(DateRange.of("2025-04-28", "2025-05-02"))


def test_a_fetch_of_targets_that_begin_later(server: Simulator, tmp_path: Path) -> None:
    """If none has begun, there is nothing to fetch, which is a mistake."""
    path = tmp_path / "links.csv"
    path.write_text("url,since\nhttps://vvd.bz/late,2025-05-02\n", "utf-8")
    result = invoke("fetch", "--targets", str(path), *APRIL, "--base-url", server.url)
    assert (result.exit_code, "every target begins after 2025-04-30" in result.stderr) == (2, True)
    assert server.counters.requests == 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "no target given"),
        ((*TWO, "--new", "soon"), "such as 30d"),
        ((*TWO, "--new", "0d"), "such as 30d"),
        ((*TWO, "--last", "3d"), "No such option"),
        ((*TWO, "--order", "random"), "newest-day"),
    ],
)
def test_mistakes(server: Simulator, store: str, words: tuple[str, ...], text: str) -> None:
    """They are reported before anything is sent."""
    result = synced(server, store, *words)
    assert (result.exit_code, text in result.stderr) == (2, True), result.stderr
    assert server.counters.requests == 0
