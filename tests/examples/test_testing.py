"""The tests that the documentation shows pass, as a user runs them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.examples.project import needs, of

if TYPE_CHECKING:
    from tests.examples.project import Project


@of("testing")
def test_the_tests_of_an_application(project: Project) -> None:
    """Asynchronous tests and those with a `TestClient` pass, and one in a browser, in one run."""
    needs("fastapi", "httpx", "uvicorn", "playwright")
    if shutil.which("chromium") is None:
        assert "4 passed" in project.pytest("test_week.py", "test_shop.py")
        pytest.skip("there is no Chromium on this machine for the test in a browser")
    assert "5 passed" in project.pytest()
