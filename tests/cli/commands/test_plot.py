"""``hourlyclicks plot``."""

from __future__ import annotations

import shlex
import stat
from itertools import cycle, product
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.cli.actions import plot
from hourlyclicks.render import plots
from hourlyclicks.simulator import Rule, Script, Status
from tests.cli.filled_stores import HANGUL, LINK, answer, days, empty, fill, stock
from tests.cli.serving import APRIL, FAST, ONE_AT_A_TIME, invoke, serving
from tests.cli.serving import LINK as LINK_OPTIONS
from tests.sizes import sized

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result
    from matplotlib.figure import Figure

    from hourlyclicks import HourlySeries
    from hourlyclicks.simulator import Simulator

    Drawn = list[tuple[str, tuple[HourlySeries, ...], str]]

KEYLESS: dict[str, str | None] = {"HOURLYCLICKS_API_KEY": None}
KINDS = ("calendar", "week", "trend", "compare")
BEGINNINGS = {"png": b"\x89PNG\r\n", "svg": b"<?xml", "pdf": b"%PDF-"}
ONE = ("--link", "https://vvd.bz/kYdr")


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with days in every state."""
    return str(stock(tmp_path / "clicks.db"))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """What is drawn: which picture, of which series, in which theme."""
    found: Drawn = []

    def noting(kind: str, draw: Callable[..., Figure]) -> Callable[..., Figure]:
        def drawing(*series: HourlySeries, theme: str) -> Figure:
            found.append((kind, series, theme))
            return draw(*series, theme=theme)

        return drawing

    for kind, draw in plot.KINDS.items():
        monkeypatch.setitem(plot.KINDS, kind, noting(kind, draw))
    return found


@pytest.fixture
def drawn_empty(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """The same, where the picture itself is an empty one, which takes a tenth of the time."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - the other tests do without

    def noting(kind: str) -> Callable[..., Figure]:
        def drawing(*series: HourlySeries, theme: str) -> Figure:
            drawn.append((kind, series, theme))
            return Figure(figsize=(1, 1))

        return drawing

    for kind in KINDS:
        monkeypatch.setitem(plot.KINDS, kind, noting(kind))
    return drawn


def stored(store: str, kind: str, output: Path, *words: str) -> Result:
    """Draw days in a store, without a key."""
    return invoke("plot", kind, "--store", store, "-o", str(output), *words, env=KEYLESS)


@pytest.mark.parametrize(
    ("kind", "form"),
    sized(list(zip(KINDS, cycle(BEGINNINGS), strict=False)), list(product(KINDS, BEGINNINGS))),
)
def test_days_in_a_store_are_drawn(store: str, tmp_path: Path, drawn: Drawn, form: str, kind: str) -> None:
    """From the first known day of the target to its last; the suffix gives the format."""
    output = tmp_path / f"picture.{form.upper()}"
    result = stored(store, kind, output, *ONE, "--theme", "dark")
    assert (result.exit_code, result.stdout) == (0, "")
    assert output.read_bytes().startswith(BEGINNINGS[form])
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    [(name, [series], theme)] = drawn
    assert (name, theme) == (kind, "dark")
    assert (series.target, str(series.range), len(series.missing_days)) == (
        LINK,
        "2025-04-01..2025-04-30",
        5,
    )
    assert "missing: 5 of 30 days of 1 target; see hourlyclicks status" in result.stderr


def test_the_same_command_writes_the_same_file(store: str, tmp_path: Path) -> None:
    """An SVG in a repository changes only with its data."""
    kind = sized("week", "compare")
    for name in ("a.svg", "b.svg"):
        assert stored(store, kind, tmp_path / name, *ONE).exit_code == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_all_targets_with_figures_are_compared(store: str, tmp_path: Path, drawn_empty: Drawn) -> None:
    """Those without are left out, and said."""
    result = stored(store, "compare", tmp_path / "a.png")
    assert result.exit_code == 0
    assert {series.target for series in drawn_empty[0][1]} == {LINK, HANGUL}
    assert "left out: 1 target without any figures" in result.stderr


def test_named_days_that_are_missing_end_with_an_exit_code(
    store: str, tmp_path: Path, drawn_empty: Drawn
) -> None:
    """The picture is written all the same, since gaps can be seen."""
    output = tmp_path / "a.png"
    result = stored(store, "trend", output, *ONE, "--from", "2025-03-30", "--to", "2025-04-10")
    assert result.exit_code == 10
    assert result.stderr.endswith("Error: 3 days missing\n")
    assert output.exists()
    assert str(drawn_empty[0][1][0].range) == "2025-03-30..2025-04-10"
    result = stored(store, "trend", output, *ONE, "--from", "2025-04-01", "--to", "2025-04-05")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("calendar",), 2, "plot calendar draws one target, not 2: name one, or plot compare"),
        (("week", "--group", "7"), 2, "the store has no figures"),
        (("week", *ONE, "--plan", "premium"), 2, "--plan is for days that are fetched; with a store"),
        (("week", *ONE, "--from", "2025-04-01"), 2, "use --from and --to together"),
        (("week", *ONE, "--from", "2025-05-01", "--to", "2025-05-02"), 2, "the store has no figures"),
        (("week", *ONE, "--theme", "blue"), 2, "'blue' is not one of 'light', 'dark'."),
        (("pie", *ONE), 2, "'pie' is not one of 'calendar', 'week', 'trend', 'compare'."),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn(
    store: str, tmp_path: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    """One sentence, and no file."""
    output = tmp_path / "a.png"
    result = stored(store, words[0], output, *words[1:])
    assert result.exit_code == code
    assert sentence in result.stderr
    assert not output.exists()


def test_too_many_targets_are_refused(tmp_path: Path) -> None:
    """Before their days are read."""
    store = tmp_path / "clicks.db"
    words = [word for number in range(25) for word in ("--group", str(number))]
    result = stored(
        str(empty(store)), "compare", tmp_path / "a.png", *words, "--from", "2025-04-01", "--to", "2025-04-02"
    )
    assert result.exit_code == 2
    assert "plot compare draws at most 24 targets, not 25: name some of them" in result.stderr


@pytest.mark.parametrize(
    ("output", "words", "sentence"),
    [
        ("a.jpg", (), "a.jpg: cannot write .jpg files; use .png, .svg or .pdf"),
        ("a", (), "a: the name does not say which format; use .png, .svg or .pdf"),
        ("a.png", ("--format", "svg"), "a.png: --format svg does not go with .png"),
        ("-", (), "the output has no name with a suffix; use --format png, svg or pdf"),
        ("no/a.png", (), "cannot write no/a.png: there is no folder"),
        ("", (), "the name of the file is empty"),
    ],
)
def test_outputs_are_checked_first(
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    words: tuple[str, ...],
    sentence: str,
) -> None:
    """The same with a store and without, before anything is read or requested."""
    monkeypatch.chdir(tmp_path)
    for source in (("--store", store), (*APRIL, "--base-url", "http://127.0.0.1:9")):
        result = invoke("plot", "week", *source, *ONE, "-o", output, *words)
        assert sentence in result.stderr
        assert result.exit_code in {2, 11}


def test_the_output_must_not_be_an_input(store: str, tmp_path: Path) -> None:
    """Neither the store nor the list of targets is overwritten, by whatever name."""
    targets = tmp_path / "list.svg"
    targets.write_text("https://vvd.bz/kYdr\n", "utf-8")
    result = stored(store, "week", targets, "--targets", str(targets))
    assert result.exit_code == 2
    assert "are the same file; choose another one" in result.stderr
    link = tmp_path / "store.png"
    link.symlink_to(store)
    result = stored(store, "week", link, *ONE)
    assert result.exit_code == 2
    assert "are the same file; choose another one" in result.stderr


def test_an_old_picture_is_replaced_only_by_a_complete_one(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If drawing fails, it stays as it is."""
    output = tmp_path / "a.png"
    output.write_text("old", "utf-8")

    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("hourlyclicks.render.plots.picture.Figure.savefig", fails)
    assert isinstance(stored(store, "week", output, *ONE).exception, MemoryError)
    assert output.read_text("utf-8") == "old"
    monkeypatch.undo()
    output.chmod(0o644)
    assert stored(store, "week", output, *ONE).exit_code == 0
    assert output.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(output.stat().st_mode) == 0o644
    assert sorted(path.name for path in tmp_path.iterdir() if "a.png" in path.name) == ["a.png"]


@pytest.mark.usefixtures("drawn_empty")
def test_a_picture_can_go_to_stdout(store: str) -> None:
    """As bytes, with nothing else."""
    result = invoke("plot", "week", "--store", store, *ONE, "-o", "-", "--format", "png", env=KEYLESS)
    assert result.exit_code == 0
    assert result.stdout_bytes.startswith(b"\x89PNG")
    assert result.stdout_bytes.endswith(b"IEND\xaeB`\x82")


def test_a_missing_extra_is_one_sentence(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is read or requested."""
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    result = stored(store, "week", tmp_path / "a.png", *ONE)
    assert result.exit_code == 2
    assert result.stderr == "Error: pictures need matplotlib: pip install 'hourlyclicks[plot]'\n"


# -- days that are fetched ------------------------------------------------------------------------------


def fetched(server: Simulator, output: Path, *words: str, kind: str = "calendar") -> Result:
    """Fetch April and draw it."""
    return invoke("plot", kind, *LINK_OPTIONS, *APRIL, "--base-url", server.url, "-o", str(output), *words)


def test_days_are_fetched_and_drawn(server: Simulator, tmp_path: Path, drawn_empty: Drawn) -> None:
    """With every hour that the server has."""
    output = tmp_path / "a.svg"
    result = fetched(server, output, *FAST)
    assert result.exit_code == 0
    assert output.read_bytes().startswith(b"<?xml")
    [(_, [series], theme)] = drawn_empty
    assert theme == "light"
    assert (series.target, len(series.missing_days), len(series.range)) == (LINK, 0, 30)
    assert server.counters.requests == 30
    assert "30 days" in result.stderr


def test_targets_and_days_are_needed_to_fetch(server: Simulator, tmp_path: Path) -> None:
    """The messages are those of ``fetch``."""
    common = ("-o", str(tmp_path / "a.png"), "--base-url", server.url)
    assert "no days given: use --from and --to, or --last" in invoke("plot", "week", *ONE, *common).stderr
    assert "no target given" in invoke("plot", "week", *APRIL, *common).stderr
    two = invoke("plot", "week", *ONE, "--link", "https://vvd.bz/talk", *APRIL, *common)
    assert "plot week draws one target, not 2" in two.stderr
    assert server.counters.requests == 0


@pytest.mark.usefixtures("drawn_empty")
def test_an_incomplete_fetch_is_drawn_as_far_as_it_came(tmp_path: Path) -> None:
    """The exit code and the command line to repeat it are told."""
    faults = Script(Rule(Status(501), number=range(6, 9)))
    output = tmp_path / "a.png"
    with serving(faults=faults) as server:
        result = fetched(server, output, *ONE_AT_A_TIME, kind="trend")
    assert result.exit_code == 10
    assert output.exists()
    assert "missing: 2025-04-06: " in result.stderr
    line = result.stderr.split("To fetch it again:\n")[1].splitlines()[0]
    words = shlex.split(line)
    assert words[words.index("plot") + 1] == "trend"
    assert words[-6:] == ["--from", "2025-04-01", "--to", "2025-04-30", "-o", str(output)]


def test_nothing_fetched_is_nothing_drawn(tmp_path: Path) -> None:
    """There is no picture of gaps alone."""
    output = tmp_path / "a.png"
    with serving(faults=Script(Rule(Status(401)))) as server:
        result = fetched(server, output, *FAST)
    assert result.exit_code == 3
    assert not output.exists()


def test_what_was_fetched_is_not_lost_when_it_cannot_be_drawn(
    server: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written where temporary files go, as CSV."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setitem(plot.KINDS, "calendar", fails)
    result = fetched(server, tmp_path / "a.png", *FAST)
    assert isinstance(result.exception, MemoryError)
    _, _, name = result.stderr.partition("the data is in ")
    with open(name.strip(), encoding="utf-8") as file:  # noqa: PTH123 - a name in a message
        assert len(file.readlines()) == 1 + 30 * 24


def test_a_hangul_target_in_a_store_is_drawn(tmp_path: Path) -> None:
    """With or without a font that has it, and without a warning."""
    store = tmp_path / "clicks.db"
    fill(store, HANGUL, map(answer, days("2025-04-01", 9)))
    assert stored(str(store), "calendar", tmp_path / "a.png").exit_code == 0
