"""What is installed: the wheel has every file that the package reads."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hourlyclicks"


def test_the_wheel_has_all_files_of_the_package(tmp_path: Path) -> None:
    """Modules, SQL, and the templates, the style and the script of the report page."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - ours
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    there = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert there - names == set()
    assert {
        f"hourlyclicks/render/page/{name}" for name in ("style.css", "script.js", "templates/report.html")
    } <= names
