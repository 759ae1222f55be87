"""Modules that only some tests need, and that are imported when the first of these runs.

Each process of ``pytest -n`` imports the files of all tests, and then runs some of them. What takes long to
import would be imported by all of these processes, and be used by one.
"""

from __future__ import annotations

from typing import Any

import pytest


class LateModule:
    """Stands for a module; a test that needs it is skipped if it is not installed.

    Args:
        name: its full name.
    """

    __slots__ = ("_name",)  # so that a patch of the stand-in fails

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        """Import the module when it is first used, and return what is public in it by this name."""
        if name.startswith("_"):  # pytest asks everything in a file for such names
            raise AttributeError(name)
        return getattr(pytest.importorskip(self._name), name)
