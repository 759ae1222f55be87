"""What is installed: the wheel has every file that the package reads, and a description for an index."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hourlyclicks"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - ours
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """Its metadata; the description is the payload."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(wheel.read(name))


def test_the_wheel_has_all_files_of_the_package(wheel: zipfile.ZipFile) -> None:
    """Modules, SQL, and the templates, the style and the script of the report page."""
    names = set(wheel.namelist())
    there = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert there - names == set()
    assert {
        "hourlyclicks/py.typed",
        *(f"hourlyclicks/render/page/{name}" for name in ("style.css", "script.js", "templates/report.html")),
    } <= names


def test_the_description_has_no_link_into_the_repository(metadata: Message) -> None:
    """An index shows it alone; what remains are links to other sites, and the text and code of the README."""
    description = str(metadata.get_payload())
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert re.findall(r"\]\((?!https?://)[^)]*\)", description) == []
    assert "![" not in description
    assert description.startswith("# hourlyclicks\n")
    assert (ROOT / "README.md").read_text("utf-8").split("```python")[1].split("```")[0] in description


def test_the_metadata_names_the_interpreters_that_are_tested(metadata: Message) -> None:
    """Those of the session of nox, from the least one on."""
    tested = re.findall(
        r'"(3\.\d+)"', (ROOT / "noxfile.py").read_text("utf-8").split("PYTHONS = ")[1].split("]")[0]
    )
    named = [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier", ())]
    assert [each for each in named if re.fullmatch(r"3\.\d+", each)] == tested
    assert metadata["Requires-Python"] == f">={tested[0]}"
