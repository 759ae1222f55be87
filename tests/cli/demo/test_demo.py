"""``hourlyclicks demo``."""

from __future__ import annotations

import datetime as dt
import os
import re
import tempfile
import webbrowser
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks import DateRange, DayClicks, ServerError
from hourlyclicks.cli.actions.demo import KilledProcess, Run, killed_line, wrong_days
from hourlyclicks.cli.demo.settings import LINK, RATE
from hourlyclicks.cli.steps.collecting import TargetOutcome
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.simulator import Simulator
from tests.cli.serving import invoke

if TYPE_CHECKING:
    from hourlyclicks import HourlyClicksError, HourlySeries

DAYS = DateRange.of("2025-06-01", "2025-06-03")
LATER = dt.datetime(2025, 7, 1, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the demonstration make its folders where pytest removes them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_fetches_and_proves_it(temporary: Path) -> None:
    """A few days with faults are exact, without a 429, and shown as a heatmap and on a page."""
    result = invoke("demo", "--days", "10", "--seed", "3")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line[:3] for line in lines[2:9]] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    facts = {line[:12].strip(): line[12:] for line in lines[11:]}
    assert list(facts)[:2] == ["clicks", "peak"]
    assert facts["refused"] == "0 (HTTP 429), as the server counts"
    assert facts["exact"] == "all 240 hours equal the server's figures"
    assert "killed" not in facts
    assert "\x1b" not in result.output
    assert list(facts)[-1] == "page"
    page = Path(facts["page"])
    assert (page.parent.parent, page.name) == (temporary, "demo.html")
    assert LINK.id in page.read_text("utf-8")
    assert {path for path in temporary.rglob("*") if path.is_file()} == {page}


def test_it_warns_of_nothing() -> None:
    """The clocks of the client and its simulated server agree, on whatever day it is shown."""
    assert "clock" not in invoke("demo", "--days", "2", "--no-faults").stderr


def test_no_line_of_the_result_is_wider_than_a_terminal() -> None:
    """Eighty columns are enough for a demonstration as it is by default."""
    killed_process = KilledProcess(
        killed=True, known=frozenset(DateRange.of("2025-01-01", "2025-02-14")), asked=Counter()
    )
    lines = [killed_line(killed_process, 90, again) for again in (0, 12)]
    assert lines[0] == "with 45 of 90 days done; restarted for the other 45, none again"
    assert max(len(f"  {'killed':<10}{line}") for line in lines) <= 80


@pytest.mark.parametrize("there_is_one", [True, False])
def test_its_page_is_opened(there_is_one: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a case
    """With ``--open``, a browser shows the page that the last line names; that there is none is no error."""
    opened: list[str] = []

    def browse(url: str) -> bool:
        opened.append(url)
        return there_is_one

    monkeypatch.setattr(webbrowser, "open", browse)
    result = invoke("demo", "--days", "1", "--no-faults", "--open")
    page = Path(result.stdout.splitlines()[-1].split()[-1])
    assert (opened, page.is_file()) == ([page.as_uri()], True)
    assert (f"no browser was found; open {page}" in result.stderr) is not there_is_one
    assert result.exit_code == 0


def test_it_can_do_without_faults() -> None:
    """With --no-faults there is nothing to retry."""
    result = invoke("demo", "--days", "3", "--no-faults")
    assert "  requests  3 for 3 days, 0 retries\n" in result.stdout
    assert "  faults" not in result.stdout


def test_another_seed_is_another_account() -> None:
    """The figures depend only on the seed."""
    shown = [invoke("demo", "--days", "1", "--no-faults", "--seed", seed).stdout for seed in "778"]
    peaks = [next(line for line in text.splitlines() if line.startswith("  peak")) for text in shown]
    assert peaks[0] == peaks[1] != peaks[2]


@pytest.fixture
def server() -> Simulator:
    """A simulator without a socket."""
    return Simulator(today=dt.date(2025, 7, 1))


def true_series(server: Simulator, *, without: int = 0) -> HourlySeries:
    """Return what the simulator knows, except for the last days."""
    truth = server.cells(LINK, DAYS.start, DAYS.end)
    days = [
        DayClicks(day, tuple(c for c, _ in cells), tuple(u for _, u in cells), LATER, final=True)
        for day, cells in truth.items()
    ]
    return merge_days(DAYS, days[: len(days) - without], target=LINK)


def over(
    server: Simulator,
    series: HourlySeries,
    failures: dict[dt.date, HourlyClicksError] | None = None,
    *,
    interrupted: bool = False,
    killed_process: KilledProcess | None = None,
) -> Run:
    """Return a demonstration that has ended."""
    outcome = TargetOutcome(series, failures or {}, interrupted=interrupted)
    return Run(outcome, 0, 1.0, wrong_days(series, server), server, killed_process)


def test_a_good_run_is_no_failure(server: Simulator) -> None:
    """It is complete, exact, and without a 429."""
    assert over(server, true_series(server)).failure() is None


def test_a_wrong_figure_is_noticed(server: Simulator) -> None:
    """With one wrong click in one hour the demonstration fails."""
    series = true_series(server)
    day = series["2025-06-02"]
    spoilt = attrs.evolve(
        day, clicks=((day.clicks[0] or 0) + 1, *day.clicks[1:]), fetched_at=LATER.replace(hour=1)
    )
    wrong = series.merge(merge_days(DAYS, [spoilt], target=LINK))
    assert wrong_days(wrong, server) == 1
    failure = over(server, wrong).failure()
    assert failure is not None
    assert failure.exit_code == 1


def test_a_429_is_noticed(server: Simulator) -> None:
    """With one 429 in the server's count the demonstration fails, though the data is exact."""
    server.counters.over_limit = 1
    failure = over(server, true_series(server)).failure()
    assert failure is not None
    assert (failure.exit_code, failure.message) == (1, "unexpected result: 0 days wrong, 1 request refused")


def test_a_missing_day_is_noticed(server: Simulator) -> None:
    """An incomplete result fails."""
    error = ServerError("HTTP 500", status=500, retryable=True)
    series = true_series(server, without=1)
    failure = over(server, series, {DAYS.end: error}).failure()
    assert failure is not None
    assert (failure.exit_code, failure.message) == (10, "1 day missing; HTTP 500")


def test_an_interruption_ends_it(server: Simulator) -> None:
    """After Ctrl-C it says how many days were fetched."""
    failure = over(server, true_series(server, without=2), interrupted=True).failure()
    assert failure is not None
    assert (failure.exit_code, failure.message) == (130, "interrupted after 1 of 3 days")


def test_a_day_that_was_requested_twice_is_noticed(server: Simulator) -> None:
    """A day that was stored when the first process was killed may not be requested again."""
    first, second = DAYS[0], DAYS[1]
    killed_process = KilledProcess(killed=True, known=frozenset({first}), asked=Counter({(LINK, first): 2}))
    server.counters.asked.update({(LINK, first): 2, (LINK, second): 1})
    assert over(server, true_series(server), killed_process=killed_process).failure() is None
    server.counters.asked[LINK, first] += 1
    failure = over(server, true_series(server), killed_process=killed_process).failure()
    assert failure is not None
    assert failure.exit_code == 1
    assert failure.message == "unexpected result: 0 days wrong, 0 requests refused, 1 day paid for twice"


@pytest.mark.skipif(os.name != "posix", reason="a process is killed otherwise there")
def test_it_is_killed_and_resumes() -> None:
    """With enough days the first process is killed; the second one requests only the missing days."""
    result = invoke("demo", "--days", "40", "--seed", "5")
    assert result.exit_code == 0
    killed = re.search(r"^  killed +with (\d+) of 40 days done; (.*)$", result.stdout, re.MULTILINE)
    assert killed is not None
    known = int(killed[1])
    assert 0 < known < 40
    assert killed[2] == f"restarted for the other {40 - known}, none again"
    assert "  refused   0 (HTTP 429)" in result.stdout
    assert "  exact     all 960 hours equal the server's figures" in result.stdout
    assert f"Killed with {known} days in the store; started again." in result.stderr
    assert f"{known} of 40 days in the store, {40 - known} to go" in result.stderr


@pytest.mark.parametrize("days", ["0", "3654", "many"])
def test_days_have_bounds(days: str) -> None:
    """A demonstration has from one day to ten years."""
    assert invoke("demo", "--days", days).exit_code == 2


def test_the_limit_binds() -> None:
    """Ninety days need several windows of the limit, and fit into twenty seconds."""
    windows = 90 // RATE.requests
    assert windows >= 3
    assert windows * RATE.seconds < 12
