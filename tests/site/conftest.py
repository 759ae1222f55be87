"""The documentation as a site, built once for all tests of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site; a warning is an error. ``HOURLYCLICKS_TESTS_SITE`` names one that is built already."""
    if built := os.environ.get("HOURLYCLICKS_TESTS_SITE"):
        return Path(built).resolve()
    for library in ("sphinx", "furo", "myst_parser", "sphinx_copybutton"):
        pytest.importorskip(library, reason="comes with the extra docs")
    folder: Path = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.stderr == ""
    return folder
