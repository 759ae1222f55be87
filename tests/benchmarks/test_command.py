"""The command ends with the code that is promised, and a part that fails stops no other."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import PAGES, Exit, main
from benchmarks.report import PARTS
from benchmarks.results import Claim, Section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Fake = Callable[..., None]

pytestmark = pytest.mark.skipif(
    not (find_spec("matplotlib") and find_spec("pyperf")), reason="they come with the extra for benchmarks"
)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a part in the place of a real one: its only claim is that a figure is at most 1."""

    def put(name: str, figure: float) -> None:
        def measure(**_: object) -> Section:
            return Section((), (Claim("the figure", 1 / figure, 1),), {"figure": figure})

        module = ModuleType(f"benchmarks.{name}.measure")
        vars(module)["measure"] = measure
        monkeypatch.setitem(sys.modules, module.__name__, module)

    for name in PARTS:
        put(name, 2)
    return put


def test_exit_codes(tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    """All claims hold, one is missed, and a part fails; parts that are not run again keep their figures."""
    assert main(["--into", str(tmp_path)]) == Exit.HELD
    fake("store", 0.5)
    assert main(["--only", "store", "--into", str(tmp_path)]) == Exit.MISSED
    fake("peers", 0)
    assert main(["--only", "peers", "pacing", "--into", str(tmp_path)]) == Exit.FAILED
    printed = capsys.readouterr().out
    assert "- failed: peers: ZeroDivisionError" in printed
    document = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert {name: part["section"]["figures"]["figure"] for name, part in document["parts"].items()} == {
        "pacing": 2,
        "footprint": 2,
        "store": 0.5,
        "scale": 2,
        "micro": 2,
    }


@pytest.mark.usefixtures("fake")
def test_into_the_documentation(tmp_path: Path) -> None:
    """With ``--docs`` nothing is measured: what was found goes into the pages, which must have room."""
    assert main(["--docs", "--into", str(tmp_path)], docs=tmp_path) == Exit.FAILED
    main(["--into", str(tmp_path)])
    first, figures = (tmp_path / name for name in PAGES)
    figures.parent.mkdir()
    summary, *tables = (f"<!-- {name} -->\n<!-- /{name} -->\n" for name in ("summary", *PARTS))
    first.write_text(summary, "utf-8")
    figures.write_text("# Numbers\n", "utf-8")
    assert main(["--docs", "--into", str(tmp_path)], docs=tmp_path) == Exit.FAILED
    figures.write_text("".join([*tables, tables[0]]), "utf-8")
    assert main(["--docs", "--into", str(tmp_path)], docs=tmp_path) == Exit.FAILED
    figures.write_text("".join(tables), "utf-8")
    assert main(["--docs", "--into", str(tmp_path)], docs=tmp_path) == Exit.HELD
    assert figures.read_text("utf-8").count("| the figure | 0.5 | ≤ 1 | holds |") == len(PARTS)
    assert "the figure" not in first.read_text("utf-8")
