"""A copy of an example, for each test that names one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.examples.project import EXAMPLES, Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A copy of the example that the test names."""
    name = request.param
    return Project(
        shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    )
