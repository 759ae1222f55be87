"""The documentation as a site, built once for all tests of it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sizes import THOROUGH

ROOT = Path(__file__).parents[2]
LIBRARIES = ("sphinx", "furo", "myst_parser", "sphinx_copybutton")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """Build the site; a warning is an error. ``HOURLYCLICKS_TESTS_SITE`` names one that is built already.

    As a rule, the site of the last run is taken again if nothing that it is made from has changed since.
    """
    if built := os.environ.get("HOURLYCLICKS_TESTS_SITE"):
        return Path(built).resolve()
    for library in LIBRARIES:
        pytest.importorskip(library, reason="comes with the extra docs")
    folder: Path = tmp_path_factory.mktemp("site") / "html"
    cache: pytest.Cache | None = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    if cache is None or THOROUGH:
        build(folder)
        return folder
    kept = cache.mkdir("site") / state()
    if not kept.exists():
        build(folder)
        for older in kept.parent.iterdir():
            shutil.rmtree(older)
        copy = kept.with_suffix(f".{os.getpid()}")
        shutil.copytree(folder, copy)
        copy.rename(kept)
    else:
        shutil.copytree(kept, folder)  # another run may replace it
    return folder


def build(folder: Path) -> None:
    """Build the site."""
    trees = folder.with_name("trees")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        str(trees),
        "docs",
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.stderr == ""


def state() -> str:
    """Return a name for all that the site is made from: pages, docstrings, and what builds it."""
    files = [ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*"), *(ROOT / "hourlyclicks").rglob("*")]
    digest = hashlib.sha256(repr([sys.version, *map(importlib.metadata.version, LIBRARIES)]).encode())
    for path in sorted(
        path for path in files if path.is_file() and not {"_build", "__pycache__"} & {*path.parts}
    ):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
