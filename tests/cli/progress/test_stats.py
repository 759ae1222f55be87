"""How far a run is, and how that is shown."""

from __future__ import annotations

import datetime as dt
import io
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from rich.console import Console

from hourlyclicks import Account, Group, Limits, Plan, Rate, ServerError
from hourlyclicks.cli.progress.drawing import terminal
from hourlyclicks.cli.progress.live import LiveView, pulse
from hourlyclicks.cli.progress.plain import PlainView
from hourlyclicks.cli.progress.stats import RunStats, start_stats
from hourlyclicks.cli.progress.stops import Stops
from hourlyclicks.events import (
    MUCH_FAILS,
    AttemptFailed,
    ClockSkew,
    DayDone,
    DayFailed,
    Paused,
    Progress,
    RangeDone,
    Refused,
    Resumed,
    SlotsHeld,
    SpacingChanged,
)
from hourlyclicks.pacing.eta import forecast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.events import Binding, Event

DAY = dt.date(2025, 4, 1)
NOON = dt.datetime(2025, 4, 1, 12).astimezone()
ACCOUNT = Account()
OOPS = ServerError("HTTP 500: [bold]\x1b[31mno", status=500, retryable=True)
RETRIED = AttemptFailed(day=DAY, target=ACCOUNT, attempt=1, wait=1.25, error=OOPS)
DONE = DayDone(day=DAY, target=ACCOUNT, requests=2, final=True)
FAILED = DayFailed(day=DAY, target=ACCOUNT, requests=4, error=OOPS)
REFUSED = Refused(day=DAY, target=ACCOUNT, status=429)
PAUSED = Paused(seconds=61.0, why="the server asks to wait")


def some_stats(total: int = 100) -> RunStats:
    """Return the stats of a run that began at 1000 s with an ETA of 300 s."""
    return RunStats(
        title="[red]x[/]",
        limits=Limits((Rate(24, 60.0),), concurrency=2),
        progress=Progress(done=0, failed=0, total=total, eta=300.0, binding="rate"),
        started=1000.0,
    )


def progress(done: int, *, failed: int = 0, total: int = 100, eta: float = 90.0) -> Progress:
    """Return an event of progress."""
    return Progress(done=done, failed=failed, total=total, eta=eta, binding="rate")


def test_a_clock_that_is_wrong_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Plain lines and the live view both show it once, and the latter leaves it on the terminal."""
    skew = ClockSkew(seconds=-601.2)
    sentence = "this machine's clock is 10 min behind the server's"
    PlainView(some_stats())(skew)
    assert capsys.readouterr().err.startswith(sentence)
    written = io.StringIO()
    LiveView(some_stats(), Console(file=written, width=200))(skew)
    assert written.getvalue().startswith(sentence)


def test_the_stats_add_up() -> None:
    """Days, requests, retries, 429s and pauses are counted, and shown in a line."""
    it = some_stats()
    events: list[Event] = [RETRIED, DONE, FAILED, REFUSED, PAUSED, progress(1, failed=1)]
    for event in events:
        it.take(event, 1000.0)
    assert it.counters() == "1 retry, 1 HTTP 429, 1 pause, 1 day failed"
    assert it.summary(1075.0) == "1 day in 1 min 15 s: 7 requests, 1 retry, 1 HTTP 429, 1 pause, 1 day failed"


def test_ranges_add_up() -> None:
    """Their requests and days are counted, those that were retried once; a failure is news."""
    it = some_stats()
    it.stored = True
    done = RangeDone(start=DAY, end=DAY, target=ACCOUNT, days=31, requests=2)
    it.take(RETRIED, 1000.0)
    it.take(done, 1000.0)
    it.take(attrs.evolve(done, days=0, requests=1, error=OOPS), 1000.0)
    it.take(progress(40), 1000.0)
    assert (it.requests, it.fetched, it.reused, it.retries) == (3, 31, 9, 1)
    assert it.news.startswith("2025-04-01..2025-04-01 not answered: HTTP 500")


def test_the_remaining_time_runs_down() -> None:
    """Between two events the time passes, but never below zero."""
    it = some_stats()
    assert it.forecast(1000.0, NOON) == "5 min left, until 12:05, bound by the rate limit"
    assert it.left(1100.0) == 200.0
    it.take(progress(50, eta=90.0), 1100.0)
    assert it.left(1101.0) == 89.0
    assert it.left(9999.0) == 0.0


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"deadline": NOON + dt.timedelta(seconds=60)}, "1 min left, until 12:01 by --deadline; all "),
        ({"max_requests": 25}, "1 min 2 s left, until 12:01 by --max-requests; all "),
        ({"max_requests": 25, "deadline": NOON}, "0 s left, until 12:00 by --deadline; all "),
        ({"max_requests": 5000, "deadline": NOON + dt.timedelta(days=1)}, "5 min left, until 12:05"),
    ],
)
def test_a_limit_of_the_run_ends_it_early(limits: dict[str, Any], words: str) -> None:
    """The time of the end is that of the deadline or of the last request allowed, if the days take longer."""
    it = some_stats()
    it.stops = Stops(partial(forecast, limits=it.limits), **limits)
    assert it.remaining(1000.0, NOON) == words + "days would take 5 min" * words.endswith("all ")


def test_a_pause_binds_until_it_is_over() -> None:
    """During a pause the pause binds; afterwards the limit does again."""
    it = some_stats()
    it.take(progress(99, eta=1.0), 1000.0)
    it.take(PAUSED, 1000.0)
    assert it.forecast(1000.0, NOON) == "1 min 1 s left, until 12:01, bound by a pause"
    it.take(Resumed(), 1061.5)
    assert it.forecast(1061.5, NOON) == "longer than estimated, bound by the rate limit"


def test_a_wait_for_a_killed_process_is_told() -> None:
    """The message says what is waited for and counts down, until a request is answered."""
    it = some_stats()
    why = "2 requests of a process that was killed may still be under way"
    it.take(SlotsHeld(requests=2, seconds=38.0, killed=True), 1000.0)
    assert it.news == f"waiting for at most 38 s: {why}"
    assert it.headline(1008.0) == f"waiting for at most 30 s more: {why}"
    assert it.left(1008.0) >= 30
    it.take(DONE, 1008.0)
    assert it.headline(1008.0) == it.news


def test_a_pause_names_the_last_trouble() -> None:
    """The message about a pause has the last error if it is the reason, and counts down."""
    it = some_stats()
    it.take(RETRIED, 1000.0)
    it.take(PAUSED, 1000.0)
    assert it.news == "paused for 1 min 1 s: the server asks to wait"
    it.take(Paused(seconds=61.0, why=MUCH_FAILS), 1000.0)
    trouble = f"{MUCH_FAILS}; the last trouble: HTTP 500"
    assert it.news.startswith(f"paused for 1 min 1 s: {trouble}")
    assert it.headline(1030.0).startswith(f"paused for 31 s more: {trouble}")
    assert it.headline(1061.0) == it.news


@pytest.mark.parametrize(
    ("event", "news"),
    [
        (RETRIED, "2025-04-01 again: HTTP 500"),
        (FAILED, "2025-04-01 failed: HTTP 500"),
        (PAUSED, "paused for 1 min 1 s: the server asks to wait"),
        (Resumed(), "the server responds again"),
        (
            SlotsHeld(requests=1, seconds=9.0, killed=False),
            "waiting for at most 9 s: a request of another process may still be under way",
        ),
        (SpacingChanged(interval=4.2, why="so"), "a request every 4.2 s from now on: so"),
    ],
)
def test_what_is_remarkable_is_news(event: Event, news: str) -> None:
    """Each remarkable event becomes a line."""
    it = some_stats()
    it.take(event, 1000.0)
    assert it.news.startswith(news)


def test_the_total_is_a_lower_bound_while_targets_are_read() -> None:
    """The days of the targets so far are not taken for all of them, nor is their remaining time."""
    it = some_stats()
    it.take(Progress(done=0, failed=0, total=0, eta=0.0, binding="rate", listed=False), 1000.0)
    assert it.listing
    it.take(Progress(done=30, failed=0, total=1300, eta=90.0, binding="rate", listed=False), 1000.0)
    assert not it.listing
    assert it.all_days == "at least 1,300 days"
    assert it.remaining(1000.0, NOON) == "at least 1 min 30 s left"
    it.take(Progress(done=30, failed=0, total=5000, eta=90.0, binding="rate"), 1000.0)
    assert it.all_days == "5,000 days"
    assert it.remaining(1000.0, NOON) == "1 min 30 s left, until 12:01"


def test_a_live_view_of_a_list_shows_what_is_known() -> None:
    """First that it is read, then that there are more days."""
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system=None)
    with LiveView(some_stats(), console, ManualClock(), lambda: NOON) as view:
        for total in (0, 1300):
            view(Progress(done=0, failed=0, total=total, eta=9.0, binding="rate", listed=False))
            console.print("drawn", view.render())
    _, first, second = out.getvalue().split("drawn")
    assert "reading the list of targets" in first
    assert "0 of at least 1,300 days\n" in second


def test_a_range_of_days_is_one_request() -> None:
    """The days of an answer for a range come one by one, and the first of them counts its request."""
    it = some_stats()
    for requests in (1, 0, 0, 0):
        it.take(DayDone(day=DAY, target=ACCOUNT, requests=requests, final=True), 1000.0)
    assert it.recent_requests(1000.0) == "1 request in the last minute"
    assert it.fetched == 4
    with LiveView(some_stats(), Console(file=io.StringIO(), force_terminal=True)) as view:
        for requests in (1, 0, 0, 0):
            view(DayDone(day=DAY, target=ACCOUNT, requests=requests, final=True))
        assert len(view._answers) == 1


def test_requests_of_the_last_minute_are_counted() -> None:
    """Each answer is a request; those of more than a minute ago do not count."""
    it = some_stats()
    for moment in (1000.0, 1000.4, 1030.0):
        it.take(RETRIED, moment)
        it.take(DONE, moment)
    assert it.recent_requests(1030.0) == "6 requests in the last minute"
    assert it.recent_requests(1060.5) == "2 requests in the last minute"
    assert it.recent_requests(1090.5) == "0 requests in the last minute"
    it.take(DayFailed(day=DAY, target=ACCOUNT, requests=0, error=OOPS), 1091.0)
    assert it.recent_requests(1091.0) == "0 requests in the last minute"


def test_days_of_several_targets_are_told_apart() -> None:
    """The same day of two targets is two days, and messages name the target."""
    it = attrs.evolve(some_stats(), several=True)
    other = Group(7)
    it.take(RETRIED, 1000.0)
    it.take(AttemptFailed(day=DAY, target=other, attempt=1, wait=1.0, error=OOPS), 1000.0)
    assert it.news.startswith("group 7 2025-04-01 again: ")
    it.take(DONE, 1000.0)
    assert it.requests == 2 + 1


def test_days_from_a_store_are_told_apart() -> None:
    """A day that is done and was not fetched was in the store."""
    it = attrs.evolve(some_stats(), stored=True)
    it.take(progress(40), 1000.0)
    it.take(DONE, 1001.0)
    it.take(progress(41), 1001.0)
    assert (it.reused, it.left_over) == (40, 59)
    assert it.summary(1075.0).startswith("41 days (40 of them from the store) in 1 min 15 s: 2 requests")
    assert attrs.evolve(some_stats(), progress=progress(5)).reused == 0


def test_plain_lines_begin_with_what_the_store_has(capsys: pytest.CaptureFixture[str]) -> None:
    """No time is shown before the store was surveyed."""
    hands = ManualClock()
    replay(
        PlainView(attrs.evolve(some_stats(), stored=True), hands, lambda: NOON),
        hands,
        [(1000.0, progress(42)), (1003.0, progress(45)), (1006.0, progress(50)), (1009.0, progress(100))],
    )
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == [
        "[red]x[/]: 100 days",
        "42 of 100 days in the store, 58 to go, about 1 min 30 s left, until 12:01, bound by the rate limit",
    ]
    assert [line.split(",")[0] for line in lines[2:]] == ["50 of 100 days"]


def test_a_run_begins_with_the_forecast_of_the_limits() -> None:
    """Before the first answer, the remaining time is computed from the limits."""
    limits = Plan.PREMIUM.limits
    began = start_stats("x", limits, forecast(30, limits))
    assert (began.total, began.finished, began.binds(began.started)) == (30, 0, "the rate limit")
    assert 60 < began.left(began.started) < 70


def test_an_eta_is_read_only_when_it_is_shown() -> None:
    """Counting an event does not compute its remaining time."""
    computed: list[int] = []

    def compute() -> tuple[float, Binding]:
        computed.append(len(computed))
        return 60.0, "concurrency"

    it = some_stats()
    for done in range(1, 10):
        it.take(Progress.deferred(done=done, failed=0, total=100, compute=compute), 1000.0)
    assert (it.finished, computed) == (9, [])
    assert it.forecast(1000.0, NOON) == "1 min left, until 12:01, bound by concurrency"
    assert computed == [0]


class ManualClock:
    """A clock that is set by the test."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def replay(view: PlainView, hands: ManualClock, events: Sequence[tuple[float, Event]]) -> None:
    """Let events happen at their times."""
    with view:
        for moment, event in events:
            hands.now = moment
            view(event)


def test_plain_lines_come_at_most_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    """There is a line only when another tenth is done."""
    hands = ManualClock()
    replay(
        PlainView(some_stats(), hands, lambda: NOON),
        hands,
        [(1000.0 + n, progress(n)) for n in range(1, 100)],
    )
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "[red]x[/]: 100 days, about 5 min left, until 12:05, bound by the rate limit"
    assert [line.split()[0] for line in lines[1:]] == ["10", "20", "30", "40", "50", "60", "70", "80", "90"]
    assert lines[1] == (
        "10 of 100 days, 1 min 30 s left, until 12:01, bound by the rate limit,"
        " 0 requests in the last minute, 0 retries, 0 HTTP 429s, 0 pauses"
    )


def test_plain_lines_of_a_quick_run_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    """Two lines are at least two seconds apart."""
    hands = ManualClock()
    replay(
        PlainView(some_stats(), hands, lambda: NOON),
        hands,
        [(1000.0 + n / 20, progress(n)) for n in range(1, 100)],
    )
    assert len(capsys.readouterr().err.splitlines()) == 1 + 2


def test_plain_lines_of_a_slow_run_come_regularly(capsys: pytest.CaptureFixture[str]) -> None:
    """There is a line at least every half minute, even if little was done."""
    hands = ManualClock()
    slow = [(1000.0 + 10 * n, progress(n, total=5000)) for n in range(1, 13)]
    replay(PlainView(some_stats(5000), hands, lambda: NOON), hands, slow)
    assert len(capsys.readouterr().err.splitlines()) == 1 + 4


def test_plain_lines_tell_pauses_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A pause and a change of the spacing are shown at once; retries are only counted."""
    hands = ManualClock()
    events: list[Event] = [PAUSED, SpacingChanged(interval=4.2, why="so"), RETRIED, DONE, Resumed(), FAILED]
    replay(PlainView(some_stats(), hands, lambda: NOON), hands, [(1000.0, event) for event in events])
    assert capsys.readouterr().err.splitlines()[1:] == [
        "paused for 1 min 1 s: the server asks to wait",
        "a request every 4.2 s from now on: so",
    ]


def test_plain_lines_do_not_repeat_short_pauses(capsys: pytest.CaptureFixture[str]) -> None:
    """At most one a second is shown; a longer pause always is."""
    hands, short = ManualClock(), Paused(seconds=0.2, why="so")
    events = [(0.0, short), (0.9, short), (0.9, PAUSED), (1.0, short), (1.5, short)]
    view = PlainView(some_stats(), hands, lambda: NOON)
    replay(view, hands, [(1000.0 + seconds, event) for seconds, event in events])
    told = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()[1:]]
    assert told == ["paused for 0 s", "paused for 1 min 1 s", "paused for 0 s"]


@pytest.mark.parametrize("width", [20, 80, 120])
def test_the_live_view_fits_the_terminal(width: int) -> None:
    """No line is wider than the terminal, and foreign text can neither control nor colour it."""
    hands, out = ManualClock(), io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=True, color_system=None, markup=False, emoji=False
    )
    view = LiveView(some_stats(), console, hands, lambda: NOON)
    events: list[Event] = [DONE, progress(57), RETRIED]
    for event in events:
        view(event)
    console.print(view.render())
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "\x1b[31m" not in out.getvalue()
    if width >= 80:
        assert lines[0] == "[red]x[/]"
        assert re.fullmatch(r"#+-+ +57 of 100 days, 43 to go", lines[1])  # no colour tells the parts apart
        limits = "  (24 requests a minute, 2 at a time)"  # left out rather than cut
        assert lines[2] == f"1 min 30 s left, until 12:01, bound by the rate limit{limits * (width >= 90)}"
        assert lines[3] == "2 requests in the last minute, 1 retry, 0 HTTP 429s, 0 pauses"
        assert lines[4].startswith("answers  ")
        assert "[bold]\\x1b[31mno" in lines[5]


def test_the_live_view_says_that_the_store_is_read() -> None:
    """Before that is done, the days to go and the time they take are not known."""
    stats = start_stats("x", some_stats().limits, forecast(0, some_stats().limits), stored=True)
    out = io.StringIO()
    view = LiveView(stats, Console(file=out, width=100), ManualClock(), lambda: NOON)
    view._console.print(view.render())
    assert "reading the store" in out.getvalue()
    assert "of 0 days" not in out.getvalue()
    view(progress(57))
    view._console.print(view.render())
    assert "57 of 100 days, 43 to go" in out.getvalue()


def test_the_live_view_says_when_it_is_paused() -> None:
    """During a pause the remaining time is that of the pause."""
    hands, out = ManualClock(), io.StringIO()
    view = LiveView(some_stats(), Console(file=out, width=100), hands, lambda: NOON)
    view(progress(99, eta=1.0))
    view(PAUSED)
    view._console.print(view.render())
    assert "1 min 1 s left, until 12:01, bound by a pause" in out.getvalue()


def test_the_pulse_shows_bursts_and_silence() -> None:
    """Each period is a bar, the present one last; older ones are not shown."""
    moments = [1.0, 10.1, 10.2, 10.3, 10.4, 12.5]
    assert pulse(moments, 13.0, bucket=1.0, width=5, bars="12345678") == " 8 2 "
    assert pulse([], 13.0, bucket=1.0, width=5, bars="12345678") == "     "


def test_a_console_takes_text_as_it_is() -> None:
    """Neither markup nor emoji codes are interpreted."""
    console = terminal()
    with console.capture() as captured:
        console.print("[red]x[/] :smile: 12")
    assert captured.get() == "[red]x[/] :smile: 12\n"


def test_the_live_view_draws_and_leaves_no_trace() -> None:
    """When it ends, what it drew is erased."""
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system=None)
    with LiveView(some_stats(), console) as view:
        view(progress(57))
    assert "of 100 days" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")
