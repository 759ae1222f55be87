"""The tests that the documentation shows pass, as a user runs them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.examples.project import needs, of
from tests.sizes import THOROUGH

if TYPE_CHECKING:
    from tests.examples.project import Project


@of("testing")
def test_the_tests_of_an_application(project: Project) -> None:
    """Asynchronous tests and those with a `TestClient` pass; in a thorough run, one in a browser as well."""
    needs("fastapi", "httpx", "uvicorn", "playwright")
    if THOROUGH and shutil.which("chromium") is not None:
        assert "5 passed" in project.pytest()
        return
    assert "4 passed" in project.pytest("test_week.py", "test_shop.py")
    if THOROUGH:
        pytest.skip("there is no Chromium on this machine for the test in a browser")
