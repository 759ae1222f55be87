"""The tests that the documentation shows pass, as a user runs them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.examples.project import needs, of

if TYPE_CHECKING:
    from tests.examples.project import Project


@of("testing")
def test_a_synchronous_test_client(project: Project) -> None:
    """Tests of an application, asynchronous ones and those with a `TestClient`, pass against the fixture."""
    needs("fastapi", "httpx")
    assert "4 passed" in project.pytest("test_week.py", "test_shop.py")


@of("testing")
def test_a_browser_under_control_of_the_test(project: Project) -> None:
    """A test with Chromium passes against the fixture for the whole run."""
    needs("fastapi", "uvicorn", "playwright")
    if shutil.which("chromium") is None:
        pytest.skip("there is no Chromium on this machine")
    assert "1 passed" in project.pytest("test_browser.py")
