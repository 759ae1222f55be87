"""The notebooks of the documentation run from their first cell to their last."""

from __future__ import annotations

import ast
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.marks import thorough_only

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook that have code."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text("utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


async def run(notebook: Path) -> None:
    """Run the cells of a notebook in this process; what stands in a line is given to `sys.displayhook`."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_cells(notebook):
        lines = ast.Interactive(ast.parse("".join(cell["source"])).body)
        code = compile(lines, str(notebook), "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)  # noqa: S307 - our own notebook
        if inspect.isawaitable(running):
            await running


def check(shown: list[str], folder: Path) -> None:
    """Check that tables and pictures of our values were shown, and that a page was written."""
    assert [
        name for html in shown for name in ("HourlySeries", "DayClicks", "Estimate") if f"<b>{name}<" in html
    ] == [
        "HourlySeries",
        "DayClicks",
        "Estimate",
    ]
    assert ["<img alt=" in html for html in shown] == [True, True, False]
    assert (folder / "kYdr.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
async def test_the_code_of_a_notebook_runs(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cell ends with an error, and what it shows of our values are tables and pictures."""
    values: list[Any] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "displayhook", values.append)
    await run(notebook)
    check([value._repr_html_() for value in values if hasattr(value, "_repr_html_")], tmp_path)


@thorough_only
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    """The same in a kernel of Jupyter, which takes seconds to start."""
    copy = Path(shutil.copy(notebook, tmp_path))
    command = [
        sys.executable,
        "-c",
        "from nbclient.cli import main; main()",
        "--inplace",
        "--timeout=120",
        str(copy),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stderr
    cells = code_cells(copy)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert all(cell["execution_count"] for cell in cells)
    check(
        ["".join(each["data"]["text/html"]) for each in outputs if "text/html" in each.get("data", {})],
        tmp_path,
    )


def test_a_notebook_is_kept_without_outputs() -> None:
    """Outputs change with every run and would be in every diff."""
    for notebook in NOTEBOOKS:
        cells: list[dict[str, Any]] = json.loads(notebook.read_text("utf-8"))["cells"]
        assert [cell["outputs"] for cell in cells if cell.get("outputs")] == []
