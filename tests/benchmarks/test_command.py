"""The command runs its parts, reports the results, and continues when one of them fails."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import plots
from benchmarks.__main__ import NO_PLOTS, Exit, main
from benchmarks.report import PARTS
from benchmarks.results import Claim, Section, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Fake = Callable[[str, float], None]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Replace a part: its only claim is that a figure is at most 1."""

    def put(name: str, figure: float) -> None:
        def measure(*, quick: bool, say: Callable[[str], None]) -> Section:
            say("a longer step")
            claim = Claim("the figure", figure, 1)
            table = Table("Figures", ("what", "how much"), ((name, f"{figure:g}"),))
            return Section(name, (table,), (claim,), {"figure": figure, "quick": quick})

        install(monkeypatch, name, measure)

    for name in PARTS:
        put(name, 0.5)
    return put


def install(monkeypatch: pytest.MonkeyPatch, name: str, measure: Callable[..., Section]) -> None:
    """Make a function what measures a part."""
    module = ModuleType(f"benchmarks.{name}.measure")
    vars(module)["measure"] = measure
    monkeypatch.setitem(sys.modules, module.__name__, module)


def broken(**_: Any) -> Section:  # noqa: ANN401 - whatever a part is told
    """Fail as a part can."""
    raise OSError("the disk is gone")


def results(folder: Path) -> dict[str, Any]:
    """Read what the command wrote."""
    document: dict[str, Any] = json.loads((folder / "results.json").read_text("utf-8"))
    return document


@pytest.mark.usefixtures("fake")
def test_all_parts_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All parts are run, the report is printed and written, and the progress goes where errors go."""
    assert main(["--quick", "--into", str(tmp_path / "new" / "folder")]) == Exit.HELD
    printed, progress = capsys.readouterr()
    written = results(tmp_path / "new" / "folder")
    assert list(written["parts"]) == list(PARTS)
    assert all(part["figures"]["quick"] for part in written["parts"].values())
    assert printed == (tmp_path / "new" / "folder" / "results.md").read_text("utf-8")
    assert "5 of 5 claims hold." in printed
    assert "micro: a longer step\n" in progress


def test_a_missed_claim(tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    """A missed claim is named in the end, and decides the exit code."""
    fake("store", 2)
    assert main(["--into", str(tmp_path)]) == Exit.MISSED
    assert "- missed: store: the figure: 2\n" in capsys.readouterr().out
    assert results(tmp_path)["quick"] is False


@pytest.mark.usefixtures("fake")
def test_a_part_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part that raises is reported with its error, and those after it are run."""
    install(monkeypatch, "peers", broken)
    assert main(["--into", str(tmp_path)]) == Exit.FAILED
    printed, progress = capsys.readouterr()
    assert "- failed: peers: OSError: the disk is gone\n" in printed
    assert "Traceback" in progress
    assert list(results(tmp_path)["parts"]) == list(PARTS[1:])
    assert results(tmp_path)["failed"] == {"peers": "OSError: the disk is gone"}


def test_a_part_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part whose module cannot be imported has failed like any other."""
    monkeypatch.setitem(sys.modules, "benchmarks.store.measure", None)
    assert main(["--only", "store", "--into", str(tmp_path)]) == Exit.FAILED
    assert list(results(tmp_path)["failed"]) == ["store"]


def test_only_some_parts(tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known of the other parts is kept, and a failure is forgotten when the part is repeated."""
    install(monkeypatch, "micro", broken)
    assert main(["--quick", "--into", str(tmp_path)]) == Exit.FAILED
    before = results(tmp_path)
    fake("micro", 0.25)
    fake("store", 2)
    assert main(["--only", "store", "micro", "--into", str(tmp_path)]) == Exit.MISSED
    after = results(tmp_path)
    assert list(after["parts"]) == list(PARTS)
    assert after["parts"]["peers"] == before["parts"]["peers"]
    assert [after["parts"][name]["figures"]["figure"] for name in ("store", "micro")] == [2, 0.25]
    assert [after["parts"][name]["quick"] for name in ("peers", "store")] == [True, False]
    assert after["failed"] == {}


@pytest.mark.usefixtures("fake")
def test_only_some_parts_and_no_results(tmp_path: Path) -> None:
    """Where nothing is known of the other parts, there is nothing to keep."""
    assert main(["--only", "pacing", "--into", str(tmp_path)]) == Exit.HELD
    assert list(results(tmp_path)["parts"]) == ["pacing"]


def test_a_whole_run_keeps_nothing(tmp_path: Path, fake: Fake) -> None:
    """Without ``--only``, what was known before is gone."""
    fake("peers", 3)
    assert main(["--into", str(tmp_path)]) == Exit.MISSED
    fake("peers", 0.5)
    assert main(["--into", str(tmp_path)]) == Exit.HELD


@pytest.mark.usefixtures("fake")
def test_without_matplotlib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Plots that cannot be drawn are mentioned, and nothing else is different."""
    monkeypatch.setattr(plots, "available", lambda: False)
    assert main(["--into", str(tmp_path)]) == Exit.HELD
    assert capsys.readouterr().out.endswith(f"\n{NO_PLOTS}\n")
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "results.md"}


def test_into_the_documentation(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With ``--docs`` nothing is measured: what was found before goes into the page, the plots beside it."""
    fake("micro", 0.75)
    main(["--into", str(tmp_path)])
    for name in PARTS:
        install(monkeypatch, name, broken)
    monkeypatch.setattr(plots, "available", lambda: True)
    monkeypatch.setattr(plots, "draw", lambda name, _: {"a-plot.svg": b"<svg/>"} if name == "peers" else {})
    page = tmp_path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    page.write_text("\n".join(f"<!-- {name} -->\n<!-- /{name} -->" for name in PARTS), "utf-8")
    capsys.readouterr()
    assert main(["--docs", "--into", str(tmp_path)], docs=page.parent) == Exit.HELD
    assert "| micro | 0.75 |" in page.read_text("utf-8")
    assert "![a-plot](benchmarks/a-plot.svg)" in page.read_text("utf-8")
    assert (page.parent / "benchmarks" / "a-plot.svg").read_bytes() == b"<svg/>"
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("fake")
def test_a_page_without_markers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page that has no place for a part, or is not there, is left alone, and so are its plots."""
    main(["--into", str(tmp_path)])
    page = tmp_path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    assert main(["--docs", "--into", str(tmp_path)], docs=page.parent) == Exit.FAILED
    page.write_text("# Numbers\n", "utf-8")
    assert main(["--docs", "--into", str(tmp_path)], docs=page.parent) == Exit.FAILED
    assert "<!-- peers --> 0 times instead of once" in capsys.readouterr().err
    assert page.read_text("utf-8") == "# Numbers\n"
    assert [path.name for path in page.parent.iterdir()] == ["benchmarks.md"]


def test_documentation_without_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With ``--docs`` there must be something to put in."""
    assert main(["--docs", "--into", str(tmp_path)], docs=tmp_path) == Exit.FAILED
    assert "results.json does not exist: run the benchmarks first" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--only", "speed"], ["--docs", "--quick"], ["--docs", "--only", "micro"]]
)
def test_what_makes_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown part, and measuring while documenting, are errors before anything is run."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m benchmarks" in capsys.readouterr().err
