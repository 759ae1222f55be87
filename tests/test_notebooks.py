"""The notebooks of the documentation run from their first cell to their last."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    """No cell ends with an error, and what it shows of our values are tables and pictures."""
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
    cells = [cell for cell in json.loads(copy.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    shown = [
        "".join(output["data"]["text/html"]) for output in outputs if "text/html" in output.get("data", {})
    ]
    assert all(cell["execution_count"] for cell in cells)
    assert [
        name for html in shown for name in ("HourlySeries", "DayClicks", "Estimate") if f"<b>{name}<" in html
    ] == [
        "HourlySeries",
        "DayClicks",
        "Estimate",
    ]
    assert ["<img alt=" in html for html in shown] == [True, True, False]
    assert (tmp_path / "kYdr.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_notebook_is_kept_without_outputs() -> None:
    """Outputs change with every run and would be in every diff."""
    for notebook in NOTEBOOKS:
        cells: list[dict[str, Any]] = json.loads(notebook.read_text("utf-8"))["cells"]
        assert [cell["outputs"] for cell in cells if cell.get("outputs")] == []
