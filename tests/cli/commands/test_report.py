"""``hourlyclicks report``."""

from __future__ import annotations

import datetime as dt
import errno
import stat
import sys
import tempfile
import webbrowser
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.cli.actions import report as actions
from hourlyclicks.render.page import document
from hourlyclicks.simulator import Rule, Script, Status
from tests.cli.filled_stores import HANGUL, LINK, TEAM, empty, stock
from tests.cli.serving import APRIL, FAST, invoke, serving
from tests.cli.serving import LINK as NAMED

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from hourlyclicks.simulator import Simulator

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with days in every state."""
    return str(stock(tmp_path / "clicks.db"))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Where the page goes."""
    return tmp_path / "report.html"


def from_store(store: str, page: Path, *words: str) -> Result:
    """Make a page from a store, without a key."""
    return invoke("report", "--store", store, "-o", str(page), *words, env=KEYLESS)


def fetched(server: Simulator, page: Path, *words: str) -> Result:
    """Make a page of days that are fetched."""
    return invoke("report", "--base-url", server.url, *NAMED, *APRIL, *FAST, "-o", str(page), *words)


def test_all_that_a_store_has_is_shown(store: str, page: Path) -> None:
    """Every target with figures is, from its first day to its last, and stderr names what is missing."""
    result = from_store(store, page)
    assert (result.exit_code, result.stdout) == (0, "")
    html = page.read_text("utf-8")
    assert html.count('class="card target"') == 2
    assert (str(LINK) in html, str(HANGUL) in html, str(TEAM) in html) == (True, True, False)
    assert "10 – 14 Apr 2025" in html
    assert result.stderr.splitlines() == [
        f"missing: 5 of 32 days of 3 targets; see hourlyclicks status --store {store}",
        "left out: 1 target without any figures",
    ]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_missing_days_of_a_range_are_shown_and_reported(store: str, page: Path) -> None:
    """The page is written, and the exit code says that days are missing."""
    result = from_store(
        store, page, "--link", "kYdr", "--domain", "https://vvd.bz", *APRIL, "--title", "April"
    )
    assert result.exit_code == 10
    assert result.stderr.splitlines()[-1] == "Error: 5 days missing"
    html = page.read_text("utf-8")
    assert "<h1>April</h1>" in html
    assert "25 of 30" in html


@pytest.mark.parametrize("words", [(), ("--group", "7"), ("--link", "other", "--domain", "https://vvd.bz")])
def test_a_store_without_figures_has_no_report(
    words: tuple[str, ...], store: str, page: Path, tmp_path: Path
) -> None:
    """Nothing is written."""
    where = store if words else str(empty(tmp_path / "empty.db"))
    result = from_store(where, page, *words)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "Error: the store has no figures for these targets"
    assert not page.exists()


def test_days_are_fetched_where_there_is_no_store(server: Simulator, page: Path) -> None:
    """The page shows all of them, and each was requested once."""
    result = fetched(server, page)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "All 30 days were fetched." in page.read_text("utf-8")
    assert server.counters.requests == 30


def test_what_was_fetched_is_shown_although_a_day_failed(page: Path) -> None:
    """The page has the other days, the exit code is 10, and a command line makes it again."""
    with serving(faults=Script(Rule(Status(501), day=dt.date(2025, 4, 3)))) as server:
        result = fetched(server, page)
    assert result.exit_code == 10
    assert "Not fetched: <strong>3 Apr 2025</strong>" in page.read_text("utf-8")
    said = result.stderr
    assert "missing: 2025-04-03: " in said
    assert "To fetch it again:\n  hourlyclicks report " in said
    assert said.count(f"-o {page}") == 1


def test_no_page_is_written_when_nothing_was_fetched(page: Path) -> None:
    """The exit code is that of the error, and an old page stays as it is."""
    page.write_text("old")
    with serving(faults=Script(Rule(Status(401)))) as server:
        result = fetched(server, page)
    assert result.exit_code == 3
    assert page.read_text() == "old"


def test_stdout_gets_the_page(store: str) -> None:
    """With ``-`` as the file."""
    result = invoke("report", "--store", store, "-o", "-", env=KEYLESS)
    assert result.exit_code == 0
    assert result.stdout.startswith("<!doctype html>")
    assert result.stdout.rstrip().endswith("</html>")


@pytest.mark.parametrize("there_is_one", [True, False])
def test_a_browser_is_opened(
    there_is_one: bool,  # noqa: FBT001 - parametrized
    store: str,
    page: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With ``--open``, once the page is complete; that there is no browser is said, and is no error."""
    opened: list[tuple[str, bool]] = []

    def browse(url: str) -> bool:
        opened.append((url, page.exists()))
        return there_is_one

    monkeypatch.setattr(webbrowser, "open", browse)
    result = from_store(store, page, "--open")
    assert result.exit_code == 0
    assert opened == [(page.as_uri(), True)]
    assert (f"no browser was found; open {page}" in result.stderr) is not there_is_one


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "x.csv"), "x.csv: a report cannot be a .csv file; use .html"),
        (("-o", "x.pdf"), "x.pdf: a report cannot be a .pdf file; use .html"),
        (("-o", "-", "--open"), "--open needs a file: -o report.html"),
        (("-o", "x.html", "--plan", "premium"), "--plan is for days that are fetched"),
        (("-o", "x.html", "--fail-fast"), "--fail-fast is for days that are fetched"),
        (("-o", "x.html", "--endpoint", "v3"), "--endpoint is for days that are fetched"),
        (("-o", "x.html", "--from", "2025-04-01"), "use --from and --to together"),
        ((), "Missing option '-o'"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: tuple[str, ...], said: str, store: str) -> None:
    """In a sentence, before anything is written."""
    result = invoke("report", "--store", store, *words, env=KEYLESS)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_page_is_none_of_the_files_that_are_read(store: str, tmp_path: Path) -> None:
    """Neither the store, whatever its name, nor the list of targets."""
    for name in (store, f"{store}-wal"):
        assert invoke("report", "--store", store, "-o", name, env=KEYLESS).exit_code == 2
    listed = tmp_path / "links.html"
    listed.write_text(f"{LINK}\n")
    result = invoke("report", "--store", store, "--targets", str(listed), "-o", str(listed), env=KEYLESS)
    assert result.exit_code == 2
    assert "are the same file" in result.stderr
    assert listed.read_text() == f"{LINK}\n"


def test_without_a_store_targets_and_days_are_needed(page: Path) -> None:
    """As for a fetch; nothing is requested."""
    result = invoke("report", "-o", str(page), *APRIL)
    assert (result.exit_code, "no target given" in result.stderr) == (2, True)
    result = invoke("report", "-o", str(page), *NAMED)
    assert (result.exit_code, "no days given" in result.stderr) == (2, True)


def test_a_missing_extra_is_told_before_the_first_request(
    server: Simulator, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names it."""
    document._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    result = fetched(server, page)
    document._environment.cache_clear()
    assert (result.exit_code, server.counters.requests) == (2, 0)
    assert "pip install 'hourlyclicks[report]'" in result.stderr


def test_fetched_days_are_not_lost(
    server: Simulator, page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the page cannot be written, they are where temporary files go, as CSV."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def fail(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(actions, "page_of", fail)
    result = fetched(server, page)
    assert result.exit_code != 0
    (kept,) = (tmp_path / "temporary").iterdir()
    assert f"the data is in {kept}" in result.stderr
    assert len(kept.read_text("utf-8").splitlines()) == 1 + 30 * 24
